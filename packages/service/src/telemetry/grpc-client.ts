// Turns calls of @grpc/grpc-js clients into CLIENT spans whose context is sent along. Only its types are used here; whoever has it brings it.
import type * as grpc from '@grpc/grpc-js';
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { grpcStatusName, OTHER } from '../conventions/calls.ts';
import { peerAttributesOf } from './connection-attributes.ts';
import { type OtelApi, tracerOf } from './conventions.ts';
import { injectContext } from './header-carrier.ts';
import type { Instruments } from './instruments.ts';
import { grpcMethod } from './server-call.ts';
import type { GrpcInterceptor, GrpcModule } from './telemetry.ts';

type Call = ConstructorParameters<typeof grpc.InterceptingCall>[0];

/** Makes the interceptor. */
export function createGrpcInterceptor(api: OtelApi, { InterceptingCall }: GrpcModule, { rpcClient }: Instruments): GrpcInterceptor {
  const tracer = tracerOf(api);

  function begin(path: string, call: Call): Running {
    const caller = api.context.active();
    const labels = { 'rpc.system.name': 'grpc', 'rpc.method': grpcMethod(path) ?? OTHER, ...serverAttributes(call.getPeer()) };
    const startedAt = performance.now();
    const span = tracer.startSpan(grpcMethod(path) ?? 'grpc', { kind: api.SpanKind.CLIENT, attributes: labels }, caller);
    return { span, caller, labels, startedAt };
  }

  function finish({ span, labels, startedAt }: Running, call: Call, { code }: grpc.StatusObject): void {
    const status = grpcStatusName(code);
    const failed = status !== 'OK';
    const ending = { 'rpc.status_code': status, ...(failed && { 'error.type': status }) };
    span.setAttributes({ ...ending, ...peerAttributesOf(call) });
    if (failed) span.setStatus({ code: api.SpanStatusCode.ERROR });
    span.end();
    rpcClient.record((performance.now() - startedAt) / 1000, { ...labels, ...ending });
  }

  return (options, nextCall) => {
    const call = nextCall(options);
    return new InterceptingCall(call, {
      start(metadata, _listener, next) {
        const running = begin(options.method_definition.path, call);
        const { caller, span } = running;
        const context = api.trace.setSpan(caller, span);
        // The caller may use its metadata for other calls.
        const sent = metadata.clone();
        injectContext(api, context, sent);
        api.context.with(context, () =>
          next(sent, {
            // grpc-js calls back from the connection; what the caller does then belongs to what it did before.
            onReceiveMessage: (message: unknown, pass) => api.context.with(caller, pass, undefined, message),
            onReceiveStatus(status, pass) {
              finish(running, call, status);
              api.context.with(caller, pass, undefined, status);
            },
          }),
        );
      },
    });
  };
}

interface Running {
  readonly span: Span;
  readonly caller: Context;
  readonly labels: Attributes;
  readonly startedAt: number;
}

/** `server.address` and `server.port` of the target of a channel, as the conventions for gRPC ask for. */
export function serverAttributes(target: string): Attributes {
  const [, rest = target] = /^dns:(?:\/\/[^/]*\/)?(.*)$/.exec(target) ?? [];
  const [, path] = /^unix:(?:\/\/)?(\/.*)$/.exec(target) ?? [];
  if (path !== undefined) return { 'server.address': path };
  const [, ipv6, name, port] = /^(?:\[([\da-fA-F:.]+)\]|([^:/,[\]]+)):(\d{1,5})$/.exec(rest) ?? [];
  const host = ipv6 ?? name;
  return host === undefined ? { 'server.address': target } : { 'server.address': host, 'server.port': Number(port) };
}
