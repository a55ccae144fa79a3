// Turns the OpenTelemetry API into the telemetry of a service, if it is installed; what is not installed costs nothing.
import { type OtelApi, SCOPE_NAME } from './conventions.ts';
import type { Telemetry, TelemetryOptions } from './telemetry.ts';

/**
 * Opens telemetry through `@opentelemetry/api`, an optional peer dependency. Whoever wants spans and metrics starts an SDK before this
 * (`node --import ./instrumentation.js`); which SDK, sampler, exporter and service name is not for a library to say. Without the API, or
 * without an SDK by then, the telemetry does nothing.
 * Do not use the HTTP, undici and gRPC instrumentations of OpenTelemetry for the same servers and clients: each call would have two spans.
 * @example
 * const telemetry = await openTelemetry();
 * telemetry.setSource(source);
 * createServer({ source, authorize, intercept: telemetry.intercept }, listener);
 * const fetch = telemetry.instrumentFetch(createFetch({ source, authorize }));
 */
export async function openTelemetry(options: TelemetryOptions = {}): Promise<Telemetry> {
  const api = await loadApi();
  if (api === undefined || !isInUse(api)) return NOTHING;
  const { createTelemetry } = await import('./create-telemetry.ts');
  return createTelemetry(api, options);
}

async function loadApi(): Promise<OtelApi | undefined> {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    // One that is there and broken is for the user to know about.
    if (error instanceof Error && 'code' in error && NOT_FOUND.has(error.code) && error.message.includes('@opentelemetry/api'))
      return undefined;
    throw error;
  }
}

// Node's own resolver, and that of require in tools that bundle or patch it.
const NOT_FOUND: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

// The API alone says little: prom-client brings it along.
function isInUse({ trace, metrics, ProxyTracerProvider, createNoopMeter }: OtelApi): boolean {
  const provider = trace.getTracerProvider();
  const traces = !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(SCOPE_NAME) !== undefined;
  return traces || metrics.getMeter(SCOPE_NAME) !== createNoopMeter();
}

const NOTHING: Telemetry = {
  enabled: false,
  intercept: undefined,
  setSource: () => undefined,
  traceIds: () => undefined,
  instrumentFetch: (fetch) => fetch,
  createGrpcInterceptor:
    ({ InterceptingCall }) =>
    (options, nextCall) =>
      new InterceptingCall(nextCall(options)),
  flush: async () => undefined,
  close: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};
