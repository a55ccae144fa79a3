// The words of OpenTelemetry semantic conventions 1.45: HTTP and RPC are stable there, tls.* is in development. SPIFFE has none; spiffe.* is ours.
import type * as api from '@opentelemetry/api';

/** The module `@opentelemetry/api`. */
export type OtelApi = typeof api;

/** What the spans and metrics say they were made by. */
export const SCOPE_NAME = '@ephemos/service';

const SCHEMA = { schemaUrl: 'https://opentelemetry.io/schemas/1.45.0' } as const;

/** The tracer of this package. */
export function tracerOf({ trace }: OtelApi): api.Tracer {
  return trace.getTracerProvider().getTracer(SCOPE_NAME, undefined, SCHEMA);
}

/** The meter of this package. */
export function meterOf({ metrics }: OtelApi): api.Meter {
  return metrics.getMeter(SCOPE_NAME, undefined, SCHEMA);
}

/** Buckets of every duration, in seconds: http-metrics and rpc-metrics of the conventions. */
export const DURATION_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Buckets of TLS handshakes, in seconds. */
export const HANDSHAKE_BUCKETS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** In place of whatever a caller may make up. */
export const OTHER = '_OTHER';

/** `error.type` of a request whose answer was cut off, by either side. */
export const ABORTED = 'aborted';

/** Longest attribute that is made of what a caller sent. */
export const MAX_ATTRIBUTE_CHARS = 1024;

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

/** `error.type` of something thrown: the first code among it and its causes, else its name. */
export function errorTypeOf(thrown: unknown): string {
  let cause = thrown;
  for (let depth = 0; cause instanceof Error && depth < 5; depth += 1) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
    cause = cause.cause;
  }
  return thrown instanceof Error ? thrown.name : OTHER;
}
