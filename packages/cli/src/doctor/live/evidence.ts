// What was seen of a running system: everything that the rules go by, gathered once, with a bound on the time of each probe.
import { type EphemosError, systemCodeOf } from 'ephemos/errors';
import type { SpiffeId, TrustDomain } from 'ephemos/spiffe';
import type { Endpoint, X509Context } from 'ephemos/workload-api';
import type { AgentLog } from './agent-log.ts';
import type { Caller } from './caller.ts';
import type { HealthReading } from './health.ts';
import type { Registration } from './registration.ts';
import type { ServerReading } from './server-port.ts';
import type { SocketReading } from './socket.ts';

/** An answer of the Workload API. */
export type Answer<T> =
  | { readonly value: T; readonly error?: undefined }
  | {
      readonly value?: undefined;
      readonly error: EphemosError;
      /** Nothing came in time. */
      readonly silent: boolean;
    };

/** What the identity should be, and who says so. */
export interface Expectation {
  readonly trustDomain: TrustDomain | undefined;
  readonly id: SpiffeId | undefined;
  /** `--trust-domain`, or the name of a file. */
  readonly from: string;
}

/** All of it. `undefined` is what was not asked, because nothing said where. */
export interface LiveEvidence {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How long one probe could take, in milliseconds. */
  readonly timeout: number;
  readonly caller: Caller;
  readonly expected: Expectation;
  readonly endpoint: Endpoint | EphemosError;
  /** The flag, variable or key that the endpoint is from. */
  readonly endpointFrom: string;
  readonly socket: SocketReading | undefined;
  readonly workload: Answer<X509Context> | undefined;
  /** An update was refused, and what it lacks is the bundle. */
  readonly bundleMissing: boolean;
  readonly agentHealth: HealthReading | undefined;
  readonly agentLog: AgentLog | undefined;
  readonly serverHealth: HealthReading | undefined;
  readonly serverPort: ServerReading | undefined;
  readonly registration: Registration | undefined;
  /** As `--server` takes it, for the commands that mend. */
  readonly serverName: string | undefined;
}

/** Whether the agent let us in: with an identity, or with the answer that there is none. */
export function isServing({ workload }: LiveEvidence): boolean {
  return workload !== undefined && (workload.error === undefined || workload.error.code === 'ERR_WORKLOAD_API_PERMISSION_DENIED');
}

const NO_CONNECTION: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT']);

/** Why there is no connection to an agent that is at an address and no socket. */
export function connectFailure({ socket, workload }: LiveEvidence): EphemosError | undefined {
  const error = socket === undefined ? workload?.error : undefined;
  return error !== undefined && NO_CONNECTION.has(systemCodeOf(error) ?? '') ? error : undefined;
}
