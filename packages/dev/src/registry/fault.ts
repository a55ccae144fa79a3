// The ways in which a Workload API can be told to misbehave.

/** The gRPC codes a Workload API can refuse with. */
export const refusalCodes = [
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'UNAUTHENTICATED',
] as const;

/** One of {@link refusalCodes}. */
export type RefusalCode = (typeof refusalCodes)[number];

/** What can be wrong with an update: each breaks one rule of SPIFFE_Workload_API, section 5.2.1, or of X509-SVID. */
export const malformedKinds = [
  /** bytes that are no message */
  'message',
  /** the text of the SPIFFE ID is none */
  'spiffe-id',
  /** the SPIFFE ID is not that of the certificate */
  'spiffe-id-mismatch',
  /** the certificate chain is missing */
  'certificate-missing',
  /** the certificate chain is no DER */
  'certificate',
  /** the key is missing */
  'key-missing',
  /** the key is no PKCS#8 */
  'key',
  /** the key belongs to another certificate */
  'key-mismatch',
  /** the bundle is missing */
  'bundle-missing',
  /** the bundle is no DER */
  'bundle',
  /** a federated bundle is no DER */
  'federated-bundle',
  /** a federated bundle has a name that is no trust domain */
  'federated-name',
] as const;

/** One of {@link malformedKinds}. */
export type MalformedKind = (typeof malformedKinds)[number];

/** A standing fault: it lasts until it is cleared or replaced. */
export type Fault =
  | { readonly kind: 'refuse'; readonly code: RefusalCode }
  | { readonly kind: 'malformed'; readonly what: MalformedKind }
  | { readonly kind: 'oversized'; readonly bytes: number }
  | { readonly kind: 'empty-svids' }
  | { readonly kind: 'hang' };
