// The words of OpenTelemetry semantic conventions 1.45: HTTP and RPC are stable there, tls.* is in development. SPIFFE has none; spiffe.* is ours.
import type * as api from '@opentelemetry/api';
import { OTHER } from '../conventions/calls.ts';

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

/** `error.type` of a request whose answer was cut off, by either side. */
export const ABORTED = 'aborted';

/** Longest attribute that is made of what a caller sent. */
export const MAX_ATTRIBUTE_CHARS = 1024;

/** `error.type` of something thrown: the first code among it and its causes, else its name. */
export function errorTypeOf(thrown: unknown): string {
  let cause = thrown;
  for (let depth = 0; cause instanceof Error && depth < 5; depth += 1) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
    cause = cause.cause;
  }
  return thrown instanceof Error ? thrown.name : OTHER;
}
