// The OpenTelemetry SDK as a user starts it, exporting to a receiver of the test. It is global: one for each test file.
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

export interface Sdk extends AsyncDisposable {
  readonly meters: MeterProvider;
}

export interface SdkOptions {
  /** Keeps spans until they are flushed, as services do in production. */
  readonly batch?: boolean;
}

export function startSdk(url: string, { batch = false }: SdkOptions = {}): Sdk {
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces` });
  const processor = batch ? new BatchSpanProcessor(exporter, { scheduledDelayMillis: 3_600_000 }) : new SimpleSpanProcessor(exporter);
  const tracers = new NodeTracerProvider({ spanProcessors: [processor] });
  tracers.register();
  const meters = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: `${url}/v1/metrics` }),
        exportIntervalMillis: 3_600_000,
      }),
    ],
  });
  metrics.setGlobalMeterProvider(meters);
  return {
    meters,
    async [Symbol.asyncDispose]() {
      await tracers.shutdown();
      await meters.shutdown();
      for (const each of [trace, metrics, context, propagation]) each.disable();
    },
  };
}
