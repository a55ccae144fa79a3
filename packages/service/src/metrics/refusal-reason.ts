// Why there is no connection, as a label: an error in, one of a few words out.
import type { EphemosError, ErrorCode } from 'ephemos/errors';

/** The words. */
export const refusalReasons = [
  'no_peer_certificate',
  'expired',
  'not_yet_valid',
  'unknown_authority',
  'invalid_spiffe_id',
  'trust_domain_not_trusted',
  // Any other rule of X509-SVID.
  'invalid_certificate',
  // It was verified, and nothing admits it.
  'unauthorized',
  // Ours: there was no valid SVID to present.
  'no_identity',
  'limit',
  'timeout',
  // What is no proper TLS, and whatever is in no other word.
  'protocol',
  'io',
] as const;

/** One of the words. */
export type RefusalReason = (typeof refusalReasons)[number];

/** Every code that can refuse a connection. Those of calls, options and files are none; they would be `protocol`. */
export const reasonsByCode: Readonly<Partial<Record<ErrorCode, RefusalReason>>> = Object.freeze({
  ERR_ALPN_MISMATCH: 'protocol',
  ERR_CONNECT_ABORTED: 'io',
  ERR_CONNECT_FAILED: 'io',
  ERR_CONNECT_TIMEOUT: 'timeout',
  ERR_HANDSHAKE_FAILED: 'protocol',
  ERR_HANDSHAKE_TIMEOUT: 'timeout',
  ERR_IDENTITY_EXPIRED: 'no_identity',
  ERR_IDENTITY_NOT_FOUND: 'no_identity',
  ERR_IDENTITY_UNAVAILABLE: 'no_identity',
  ERR_IDENTITY_WITHDRAWN: 'no_identity',
  ERR_LIMIT_REACHED: 'limit',
  ERR_PEER_ALGORITHM_WEAK: 'invalid_certificate',
  ERR_PEER_AUTHORITY_UNKNOWN: 'unknown_authority',
  ERR_PEER_CERTIFICATE_INVALID: 'invalid_certificate',
  ERR_PEER_CERTIFICATE_MISSING: 'no_peer_certificate',
  ERR_PEER_CHAIN_TOO_LONG: 'invalid_certificate',
  ERR_PEER_EXPIRED: 'expired',
  ERR_PEER_EXTENDED_KEY_USAGE_INVALID: 'invalid_certificate',
  ERR_PEER_EXTENSION_UNSUPPORTED: 'invalid_certificate',
  ERR_PEER_ID_INVALID: 'invalid_spiffe_id',
  ERR_PEER_ID_MISSING: 'invalid_spiffe_id',
  ERR_PEER_ID_MULTIPLE: 'invalid_spiffe_id',
  ERR_PEER_KEY_USAGE_INVALID: 'invalid_certificate',
  ERR_PEER_LEAF_IS_CA: 'invalid_certificate',
  ERR_PEER_NAME_CONSTRAINED: 'invalid_certificate',
  ERR_PEER_NOT_YET_VALID: 'not_yet_valid',
  ERR_PEER_SESSION_RESUMED: 'protocol',
  ERR_PEER_TRUST_DOMAIN_UNKNOWN: 'trust_domain_not_trusted',
  ERR_PEER_UNAUTHENTICATED: 'protocol',
  ERR_PEER_UNAUTHORIZED: 'unauthorized',
  ERR_SOURCE_CLOSED: 'no_identity',
});

/** The reason of a refusal. */
export function refusalReason({ code, cause }: EphemosError): RefusalReason {
  // All that a broken handshake has is what Node says of it: a code of OpenSSL, or one of the system.
  if (code === 'ERR_HANDSHAKE_FAILED' && isSystemError(cause)) return 'io';
  return reasonsByCode[code] ?? 'protocol';
}

function isSystemError(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && /^E[A-Z]+$/.test(cause.code);
}
