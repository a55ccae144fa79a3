// What telemetry is to a service: spans and metrics through the OpenTelemetry API, when that is installed.
import type * as grpc from '@grpc/grpc-js';
import type { EphemosFetch, Intercept, X509Source } from 'ephemos';

/** What of the module `@grpc/grpc-js` is needed. Only its types are used here; whoever has it brings it. */
export type GrpcModule = Pick<typeof grpc, 'InterceptingCall'>;

/** An interceptor of clients of `@grpc/grpc-js`. */
export type GrpcInterceptor = grpc.Interceptor;

/** What {@link openTelemetry} takes. */
export interface TelemetryOptions {
  /**
   * The HTTP methods that are names of spans and values of metrics; all others are `_OTHER`.
   * Default: those of RFC 9110, PATCH and QUERY.
   */
  readonly httpMethods?: readonly string[] | undefined;
}

/** Where a log line belongs, under the names that OpenTelemetry gives these fields in logs that are not OTLP. */
export interface TraceIds {
  /** 32 hexadecimal digits. */
  readonly trace_id: string;
  /** 16 hexadecimal digits. */
  readonly span_id: string;
  /** Two hexadecimal digits; `01` when the trace is recorded. */
  readonly trace_flags: string;
}

/** Spans and metrics around what a service does. Without `@opentelemetry/api` and an SDK nothing here does anything. */
export interface Telemetry extends AsyncDisposable {
  /** Whether `@opentelemetry/api` is installed and an SDK was started. */
  readonly enabled: boolean;
  /**
   * Gives every admitted request a SERVER span, which its handler runs in. Put it around all others, so that they see the span.
   * `undefined` when it would do nothing.
   */
  readonly intercept: Intercept | undefined;
  /** Shows this identity and its agent as metrics from now on, in place of any before it. */
  setSource(source: X509Source): void;
  /** The span that is active where this is called. */
  traceIds(): TraceIds | undefined;
  /** The same fetch with a CLIENT span for each call, whose context is sent along. Closing it closes `fetch`. */
  instrumentFetch(fetch: EphemosFetch): EphemosFetch;
  /**
   * An interceptor for clients of @grpc/grpc-js, with a CLIENT span for each call, whose context is sent along.
   * @example
   * import * as grpc from '@grpc/grpc-js';
   * new OrdersClient('orders:8443', credentials, { interceptors: [telemetry.createGrpcInterceptor(grpc)] });
   */
  createGrpcInterceptor(grpc: GrpcModule): GrpcInterceptor;
  /**
   * Hands what the SDK still holds to its exporters: for the end of a process. Never rejects; exporters report their failures to the SDK.
   */
  flush(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Takes the metrics and listeners of this object away. The SDK is whose who started it. */
  close(): Promise<void>;
}
