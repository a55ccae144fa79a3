// Turns the OpenTelemetry API into the telemetry of a service. Loaded when an SDK uses the API, never else.
import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { meterOf, type OtelApi } from './conventions.ts';
import { createFetchInstrumentation } from './fetch-client.ts';
import { createGrpcInterceptor } from './grpc-client.ts';
import { observeSource, observeTls } from './identity-metrics.ts';
import { createInstruments } from './instruments.ts';
import { createServerIntercept } from './server-intercept.ts';
import type { Telemetry, TelemetryOptions, TraceIds } from './telemetry.ts';

/** Makes telemetry. */
export function createTelemetry(api: OtelApi, { httpMethods }: TelemetryOptions): Telemetry {
  const meter = meterOf(api);
  const instruments = createInstruments(meter);
  const fetches = createFetchInstrumentation(api, { instruments, httpMethods });
  const stops = [fetches.close, observeTls(meter), () => hideSource()];
  let hideSource = (): void => undefined;
  let closed = false;

  async function close(): Promise<void> {
    closed = true;
    for (const stop of stops.splice(0)) stop();
  }

  return {
    enabled: true,
    intercept: createServerIntercept(api, { instruments, httpMethods }),
    setSource(source) {
      hideSource();
      if (!closed) hideSource = observeSource(meter, source);
    },
    traceIds: () => activeTrace(api),
    instrumentFetch: fetches.instrument,
    createGrpcInterceptor: (grpc) => createGrpcInterceptor(api, grpc, instruments),
    flush: ({ signal } = {}) => flushAll([api.trace.getTracerProvider(), api.metrics.getMeterProvider()], signal),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function activeTrace({ trace, isSpanContextValid }: OtelApi): TraceIds | undefined {
  const context = trace.getActiveSpan()?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return undefined;
  const { traceId, spanId, traceFlags } = context;
  return { trace_id: traceId, span_id: spanId, trace_flags: traceFlags.toString(16).padStart(2, '0') };
}

async function flushAll(providers: readonly (TracerProvider | MeterProvider)[], signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return;
  const flushed = Promise.allSettled(providers.map(flushProvider));
  let stop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
    signal?.addEventListener('abort', stop, { once: true });
  });
  await Promise.race([flushed, stopped]);
  signal?.removeEventListener('abort', stop);
}

// The API knows no flush; the SDKs of traces and metrics have one, behind the proxy that the API puts before the former.
async function flushProvider(provider: object): Promise<void> {
  const behind: unknown = 'getDelegate' in provider && typeof provider.getDelegate === 'function' ? provider.getDelegate() : provider;
  if (typeof behind === 'object' && behind !== null && 'forceFlush' in behind && typeof behind.forceFlush === 'function') {
    await behind.forceFlush();
  }
}
