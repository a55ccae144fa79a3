// What metrics and spans say of a call in the same words: the semantic conventions of OpenTelemetry 1.45, and the status codes of gRPC.

/** In place of whatever a caller may make up. */
export const OTHER = '_OTHER';

/** Buckets of calls, in seconds: http-metrics and rpc-metrics of the conventions. */
export const CALL_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Buckets of TLS handshakes, in seconds. */
export const HANDSHAKE_BUCKETS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The methods that the conventions know. */
export const HTTP_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'];

// By number (grpc/doc/statuscodes.md).
const STATUS_NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** True for a status code that gRPC has. */
export function isGrpcStatus(code: number): boolean {
  return STATUS_NAMES[code] !== undefined;
}

/** Name of a gRPC status code; UNKNOWN for one that gRPC does not have. */
export function grpcStatusName(code: number): string {
  return STATUS_NAMES[code] ?? 'UNKNOWN';
}

// The others are the caller's mistake, and no errors of a server.
const SERVER_ERRORS: ReadonlySet<string> = new Set([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

/** Whether a server that answers with this status has failed. */
export function isGrpcServerError(statusName: string): boolean {
  return SERVER_ERRORS.has(statusName);
}
