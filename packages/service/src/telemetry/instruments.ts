// The instruments of a service: durations of calls, and what the identity and the TLS below them do. Names that Prometheus writes the same.
import type { Histogram, Meter } from '@opentelemetry/api';
import { CALL_BUCKETS } from '../conventions/calls.ts';

/** Durations of calls, in seconds. */
export interface Instruments {
  readonly httpServer: Histogram;
  readonly httpClient: Histogram;
  readonly rpcServer: Histogram;
  readonly rpcClient: Histogram;
}

/** Makes the durations of http-metrics and rpc-metrics. */
export function createInstruments(meter: Meter): Instruments {
  const duration = (name: string, description: string): Histogram =>
    meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries: [...CALL_BUCKETS] } });
  return {
    httpServer: duration('http.server.request.duration', 'Duration of HTTP server requests.'),
    httpClient: duration('http.client.request.duration', 'Duration of HTTP client requests.'),
    rpcServer: duration('rpc.server.call.duration', 'Measures the duration of an incoming Remote Procedure Call (RPC).'),
    rpcClient: duration('rpc.client.call.duration', 'Measures the duration of an outgoing Remote Procedure Call (RPC).'),
  };
}
