// Who gets which identity: a registration entry, and whether a caller fits it.
import { Buffer } from 'node:buffer';
import { EphemosError } from 'ephemos/errors';
import { SpiffeId, type TrustDomain } from 'ephemos/spiffe';
import type { IssuedSvid, IssueOptions } from '../authority/svid.ts';

/** Who calls, as the kernel says. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  /** Undefined where the platform does not tell. */
  readonly pid: number | undefined;
}

/** An identity and, for a shared socket, the callers that get it. Every part that is given must fit. */
export interface Entry {
  readonly id: SpiffeId;
  readonly hint: string;
  /** DNS SANs; the first is the common name of the subject too. */
  readonly dnsNames: readonly string[];
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly pid: number | undefined;
}

/** An entry with the SVID it has now. */
export interface Identity {
  readonly entry: Entry;
  readonly svid: IssuedSvid;
}

/** What a registration says. */
export interface EntryOptions {
  readonly id: string | SpiffeId;
  /** What the identity is for, at most 1024 bytes (SPIFFE_Workload_API, section 8). */
  readonly hint?: string | undefined;
  /** DNS names for servers that know their callers by the common name, such as databases: as in SPIRE the first one is it. At most 8. */
  readonly dnsNames?: readonly string[] | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly pid?: number | undefined;
}

const maxHintBytes = 1024;
const maxDnsNames = 8;
/** At most 64 characters, the bound of a common name (RFC 5280, appendix A.1). */
const dnsName = /^(?=.{1,64}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** @throws {EphemosError} ERR_SPIFFE_ID_INVALID for an ID without a path or of another trust domain, ERR_OPTION_INVALID */
export function parseEntry(options: EntryOptions, trustDomain: TrustDomain): Entry {
  const id = typeof options.id === 'string' ? SpiffeId.parse(options.id) : options.id;
  if (!id.isMemberOf(trustDomain) || id.path === '') {
    throw new EphemosError('ERR_SPIFFE_ID_INVALID', `${id} is not a workload of the trust domain ${trustDomain.name}`, {
      hint: `use an ID that starts with "${trustDomain.idString}/"`,
    });
  }
  const { hint = '', dnsNames = [] } = options;
  if (Buffer.byteLength(hint) > maxHintBytes) {
    throw new EphemosError('ERR_OPTION_INVALID', `a hint has at most ${maxHintBytes} bytes`);
  }
  if (dnsNames.length > maxDnsNames || !dnsNames.every((name) => dnsName.test(name))) {
    throw new EphemosError(
      'ERR_OPTION_INVALID',
      `dnsNames are at most ${maxDnsNames} DNS names in lower case, each of at most 64 characters`,
    );
  }
  return Object.freeze({
    id,
    hint,
    dnsNames: Object.freeze([...dnsNames]),
    uid: parseNumber('uid', options.uid, 0),
    gid: parseNumber('gid', options.gid, 0),
    pid: parseNumber('pid', options.pid, 1),
  });
}

function parseNumber(name: string, value: number | undefined, least: number): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return value;
  throw new EphemosError('ERR_OPTION_INVALID', `${name} must be a whole number from ${least}`);
}

/** The key of an entry among the others. */
export function entryKey({ id, hint, dnsNames, uid, gid, pid }: Entry): string {
  return JSON.stringify([id, hint, dnsNames, uid, gid, pid]);
}

/** How the SVID of an entry is made: what is left out is as the authority was told. */
export function issueOptionsOf({ dnsNames }: Entry): IssueOptions {
  const [commonName] = dnsNames;
  return commonName === undefined ? {} : { dnsNames, certificate: { subject: `O=Ephemos development, CN=${commonName}` } };
}

/** True when the caller fits. An entry that names no caller fits none: a shared socket never hands an identity to everyone. */
export function entryFits(entry: Entry, caller: Caller): boolean {
  if (entry.uid === undefined && entry.gid === undefined && entry.pid === undefined) return false;
  return (
    (entry.uid === undefined || entry.uid === caller.uid) &&
    (entry.gid === undefined || entry.gid === caller.gid) &&
    (entry.pid === undefined || entry.pid === caller.pid)
  );
}
