// The switches that make an agent misbehave on demand.
import { EphemosError } from 'ephemos/errors';
import type { SpiffeId } from 'ephemos/spiffe';
import { type Fault, type MalformedKind, malformedKinds, type RefusalCode, refusalCodes } from '../registry/fault.ts';

/** Faults on demand. One of refuse, malformed, oversized, emptySvids and hang stands at a time, until it is cleared. */
export interface Faults {
  /** Ends every open stream: in order ('end', the default) or by cutting the connections ('reset'). Clients may come back at once. */
  dropStreams(how?: 'end' | 'reset'): void;
  /** Refuses open and new calls with a gRPC code; undefined ends that. */
  refuse(code: RefusalCode | undefined): void;
  /** Sends updates that break a rule. */
  malformed(kind: MalformedKind): void;
  /** Sends updates that hold this many bytes more, well-formed otherwise. At most 64 MiB. */
  oversized(bytes: number): void;
  /** Sends updates without SVIDs, and without bundles where only bundles are asked for. */
  emptySvids(): void;
  /** Gives the ID an SVID that ended a second ago; a rotation mends it. */
  expire(id: string | SpiffeId): Promise<void>;
  /** Accepts calls and never answers; open streams fall silent. */
  hang(): void;
  /** Sets a standing fault by value; undefined clears it. */
  set(fault: Fault | undefined): void;
  /** Ends the fault that stands: open streams get the present state. */
  clear(): void;
}

const maxOversizedBytes = 64 * 1024 * 1024;

/** @throws {EphemosError} ERR_OPTION_INVALID when it is no fault */
export function parseFault(value: unknown): Fault {
  if (typeof value === 'object' && value !== null && 'kind' in value) {
    switch (value.kind) {
      case 'empty-svids':
      case 'hang':
        return { kind: value.kind };
      case 'refuse':
        return { kind: 'refuse', code: oneOf('code', refusalCodes, 'code' in value ? value.code : undefined) };
      case 'malformed':
        return { kind: 'malformed', what: oneOf('what', malformedKinds, 'what' in value ? value.what : undefined) };
      case 'oversized':
        return { kind: 'oversized', bytes: parseBytes('bytes' in value ? value.bytes : undefined) };
    }
  }
  throw new EphemosError('ERR_OPTION_INVALID', 'the kind of a fault is refuse, malformed, oversized, empty-svids or hang');
}

function parseBytes(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= maxOversizedBytes) return value;
  throw new EphemosError('ERR_OPTION_INVALID', `bytes must be a whole number from 0 to ${maxOversizedBytes}`);
}

function oneOf<T extends string>(name: string, allowed: readonly T[], value: unknown): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new EphemosError('ERR_OPTION_INVALID', `${name} must be one of ${allowed.join(', ')}`);
}
