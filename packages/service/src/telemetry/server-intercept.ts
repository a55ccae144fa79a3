// Turns every admitted request into a SERVER span that its handler runs in, and into one duration.
import type { Context, Span } from '@opentelemetry/api';
import type { Intercept, ServedRequest } from 'ephemos';
import { peerAttributes, socketAttributes } from './connection-attributes.ts';
import { type OtelApi, tracerOf } from './conventions.ts';
import { extractContext } from './header-carrier.ts';
import type { Instruments } from './instruments.ts';
import { type CallDescription, createGrpcDescription, createHttpDescription } from './server-call.ts';

/** What {@link createServerIntercept} takes. */
export interface ServerInterceptOptions {
  readonly instruments: Instruments;
  readonly httpMethods?: readonly string[] | undefined;
}

/** Makes the intercept of servers. */
export function createServerIntercept(api: OtelApi, { instruments, httpMethods }: ServerInterceptOptions): Intercept {
  const tracer = tracerOf(api);
  const describe = { http: createHttpDescription(httpMethods), grpc: createGrpcDescription() };
  const durations = { http: instruments.httpServer, grpc: instruments.rpcServer };

  function begin(request: ServedRequest): Context {
    const call = describe[request.protocol](request);
    const parent = extractContext(api, request.headers);
    const startedAt = performance.now();
    const span = tracer.startSpan(call.spanName, { kind: api.SpanKind.SERVER, attributes: call.attributes }, parent);
    // A sampler has no use for these, and without a recording they cost something for nothing.
    if (span.isRecording()) span.setAttributes({ ...peerAttributes(request.peer), ...socketAttributes(request.socket) });
    request.onEnd((end) => quietly(() => finish(request, { call, span, startedAt }, end)));
    return api.trace.setSpan(parent, span);
  }

  function finish({ protocol }: ServedRequest, { call, span, startedAt }: Running, end: Parameters<CallDescription['outcome']>[0]): void {
    const outcome = call.outcome(end);
    span.setAttributes(outcome.span);
    if (outcome.rename !== undefined) span.updateName(outcome.rename);
    if (outcome.error !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR });
    span.end();
    if (outcome.metric !== undefined) durations[protocol].record((performance.now() - startedAt) / 1000, outcome.metric);
  }

  // A propagator, sampler or span processor that throws costs a span, never a request.
  function quietly<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      api.diag.error('@ephemos/service: a request is not traced', error);
      return undefined;
    }
  }

  return (request, next) => {
    const context = quietly(() => begin(request));
    if (context === undefined) next();
    else api.context.with(context, next);
  };
}

interface Running {
  readonly call: CallDescription;
  readonly span: Span;
  readonly startedAt: number;
}
