// The one error class of Ephemos, and the table of its codes (rendered to docs/errors.md).

/** Every code, with the rule it stands for. Sorted; the key is `error.code`. */
export const errorCodes = {
  ERR_ALPN_MISMATCH: 'the peer speaks none of the application protocols of this listener or client',
  ERR_AUTHORIZER_INVALID: 'an authorizer is missing, empty, asynchronous or not a function',
  ERR_BUNDLE_INVALID: 'a trust bundle is malformed, empty or over its bounds',
  ERR_CERTIFICATE_INVALID: 'a certificate is not the strict DER that X.509 asks for',
  ERR_CONFIG_INVALID: 'a configuration file or variable holds something that is not allowed',
  ERR_CONNECTION_ENDED:
    'a live connection was ended by us: a certificate expired, our identity was withdrawn or the peer is no longer admitted',
  ERR_CONNECT_ABORTED: 'a connection attempt was ended by its signal',
  ERR_CONNECT_FAILED: 'a connection could not be made',
  ERR_CONNECT_TIMEOUT: 'a connection or its handshake took longer than allowed',
  ERR_ENDPOINT_INVALID: 'a Workload API endpoint address breaks SPIFFE_Workload_Endpoint section 4',
  ERR_ENDPOINT_MISSING: 'no Workload API endpoint was given and SPIFFE_ENDPOINT_SOCKET is not set',
  ERR_HANDSHAKE_FAILED: 'a TLS handshake was broken off before the peer was known',
  ERR_HANDSHAKE_TIMEOUT: 'a TLS handshake took longer than allowed',
  ERR_IDENTITY_EXPIRED: 'our own SVID has expired and no newer one has arrived',
  ERR_IDENTITY_NOT_FOUND: 'no SVID matches the SPIFFE ID or hint that was asked for',
  ERR_IDENTITY_UNAVAILABLE: 'the source holds no SVID yet',
  ERR_IDENTITY_WITHDRAWN: 'the Workload API no longer grants this workload an identity',
  ERR_LIMIT_REACHED: 'a limit of this listener is reached',
  ERR_LISTEN_FAILED: 'a port could not be opened',
  ERR_OPTION_INVALID: 'an option has a value that is not allowed',
  ERR_PEER_ALGORITHM_WEAK: 'a certificate of the peer uses a weak or unknown key or signature algorithm',
  ERR_PEER_AUTHORITY_UNKNOWN: 'the chain of the peer does not end in an authority of its own trust domain',
  ERR_PEER_CERTIFICATE_INVALID: 'a certificate of the peer is malformed',
  ERR_PEER_CERTIFICATE_MISSING: 'the peer presented no certificate',
  ERR_PEER_CHAIN_TOO_LONG: 'the peer presented too many certificates or too costly a chain',
  ERR_PEER_EXPIRED: 'a certificate of the peer has expired',
  ERR_PEER_EXTENDED_KEY_USAGE_INVALID: 'the extended key usage of the peer does not allow both client and server authentication',
  ERR_PEER_EXTENSION_UNSUPPORTED: 'a certificate of the peer has a critical extension that is not understood',
  ERR_PEER_ID_INVALID: 'the URI SAN of the peer is not a SPIFFE ID with a path',
  ERR_PEER_ID_MISSING: 'the certificate of the peer has no URI SAN',
  ERR_PEER_ID_MULTIPLE: 'the certificate of the peer has more than one URI SAN',
  ERR_PEER_KEY_USAGE_INVALID: 'the key usage of the peer is missing, not critical, lacks digitalSignature or allows signing certificates',
  ERR_PEER_LEAF_IS_CA: 'the peer authenticated with a CA certificate',
  ERR_PEER_NAME_CONSTRAINED: 'a CA in the chain of the peer may not issue this name',
  ERR_PEER_NOT_YET_VALID: 'a certificate of the peer is not valid yet',
  ERR_PEER_SESSION_RESUMED: 'the peer resumed a TLS session, which would skip verification',
  ERR_PEER_TRUST_DOMAIN_UNKNOWN: 'there is no bundle for the trust domain of the peer',
  ERR_PEER_UNAUTHENTICATED: 'the connection was not authenticated by Ephemos',
  ERR_PEER_UNAUTHORIZED: 'the authorizer does not admit this peer',
  ERR_POLICY_INVALID: 'a policy is not written as its format asks for',
  ERR_SOURCE_CLOSED: 'the source was closed',
  ERR_SPIFFE_ID_INVALID: 'a SPIFFE ID breaks the rules of SPIFFE-ID section 2',
  ERR_SVID_INVALID: 'an X.509-SVID of ours breaks the rules of X509-SVID',
  ERR_TARGET_INVALID: 'a request target is not in the one form that can be compared with rules',
  ERR_TRUST_DOMAIN_INVALID: 'a trust domain name breaks the rules of SPIFFE-ID section 2.1',
  ERR_URL_NOT_HTTPS: 'a request was not for an https URL',
  ERR_WORKLOAD_API_INVALID_ARGUMENT: 'the Workload API refused the request as malformed',
  ERR_WORKLOAD_API_PERMISSION_DENIED: 'the Workload API grants this workload no identity',
  ERR_WORKLOAD_API_RESPONSE_INVALID: 'the Workload API sent an update that breaks the specification',
  ERR_WORKLOAD_API_UNAVAILABLE: 'the Workload API could not be reached or ended the stream',
  ERR_WORKLOAD_API_UNIMPLEMENTED: 'the Workload API does not offer this profile',
} as const;

/** One of the codes in {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** What an {@link EphemosError} carries besides its code and message. */
export interface EphemosErrorOptions {
  /** What to do next, one sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Every failure that Ephemos reports. `code` is stable, `message` states the rule that was broken, `hint` says what to do next.
 * Never holds key, token or certificate bytes.
 */
export class EphemosError extends Error {
  override readonly name = 'EphemosError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: EphemosErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.hint = options.hint;
  }
}

/** True for an {@link EphemosError} of this realm, with this code when one is given. */
export function isEphemosError(value: unknown, code?: ErrorCode): value is EphemosError {
  return value instanceof EphemosError && (code === undefined || value.code === code);
}

/** The exit codes of every program of Ephemos, by what they mean. `differs` is also what warnings give with `--strict`. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, config: 3, identity: 4, differs: 5 } as const;

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const CONFIG_CODES: ReadonlySet<ErrorCode> = new Set([
  'ERR_AUTHORIZER_INVALID',
  'ERR_CONFIG_INVALID',
  'ERR_ENDPOINT_INVALID',
  'ERR_ENDPOINT_MISSING',
  'ERR_LISTEN_FAILED',
  'ERR_OPTION_INVALID',
  'ERR_POLICY_INVALID',
  'ERR_SPIFFE_ID_INVALID',
  'ERR_TARGET_INVALID',
  'ERR_TRUST_DOMAIN_INVALID',
]);
const IDENTITY_CODE = /^ERR_(IDENTITY|PEER)_|^ERR_WORKLOAD_API_PERMISSION_DENIED$/;
// What connecting to a socket says when the address is wrong, as opposed to an agent that is down.
const ADDRESS_CODES: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENOTSOCK', 'EACCES', 'EPERM']);

/** The exit code of a program that ends with this error, or with one that it was caused by. */
export function exitCodeOf(thrown: unknown): ExitCode {
  const error = findEphemosError(thrown);
  if (error === undefined) return exitCodes.failed;
  if (CONFIG_CODES.has(error.code)) return exitCodes.config;
  if (IDENTITY_CODE.test(error.code)) return exitCodes.identity;
  if (error.code === 'ERR_WORKLOAD_API_UNAVAILABLE' && ADDRESS_CODES.has(systemCodeOf(error) ?? '')) return exitCodes.config;
  return exitCodes.failed;
}

/** The first {@link EphemosError} of an error and its causes: `fetch` and node:https put theirs around it. */
export function findEphemosError(thrown: unknown): EphemosError | undefined {
  for (let cause = thrown, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    if (isEphemosError(cause)) return cause;
  }
  return undefined;
}

/** The code of the system error (`ENOENT`, ...) that an error was caused by. */
export function systemCodeOf(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    if (isEphemosError(cause)) continue;
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}

/**
 * The known word that is most like a mistyped one, for a hint; undefined when none is like it at all. Case, `_` and `-` make no difference.
 * @param mostEdits letters to add, drop, change or swap, by the length of the known word; default a third of it, and one at the least
 */
export function nearestWord(
  word: string,
  known: Iterable<string>,
  mostEdits: (length: number) => number = (length) => Math.max(1, Math.floor(length / 3)),
): string | undefined {
  const given = foldWord(word).slice(0, 64);
  let nearest: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const wanted = foldWord(candidate);
    const distance = given === wanted ? 0 : editDistance(given, wanted);
    if (distance < least && distance <= mostEdits(wanted.length) && distance < wanted.length) [nearest, least] = [candidate, distance];
  }
  return nearest;
}

function foldWord(word: string): string {
  return word.toLowerCase().replace(/[_-]/g, '');
}

/** How many letters to add, drop, change or swap with their neighbour. */
function editDistance(from: string, to: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = (last[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const swap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? (beforeLast[j - 2] ?? 0) + 1 : Infinity;
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, change, swap));
    }
    [beforeLast, last] = [last, row];
  }
  return last[to.length] ?? 0;
}
