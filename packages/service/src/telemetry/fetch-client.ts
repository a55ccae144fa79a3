// Turns a fetch of Ephemos into one that gives each call a CLIENT span and sends its context along.
import type { Attributes, Context, Span } from '@opentelemetry/api';
import type { EphemosFetch } from 'ephemos';
import { HTTP_METHODS } from '../conventions/calls.ts';
import { peerAttributesOf, socketAttributes } from './connection-attributes.ts';
import { errorTypeOf, type OtelApi, tracerOf } from './conventions.ts';
import { followRequests } from './fetch-sockets.ts';
import { injectContext } from './header-carrier.ts';
import type { Instruments } from './instruments.ts';
import { describeMethod } from './server-call.ts';

/** What {@link createFetchInstrumentation} takes. */
export interface FetchInstrumentationOptions {
  readonly instruments: Instruments;
  readonly httpMethods?: readonly string[] | undefined;
}

/** Instruments the fetches of a service. */
export interface FetchInstrumentation {
  instrument(fetch: EphemosFetch): EphemosFetch;
  close(): void;
}

type Input = Parameters<EphemosFetch>[0];

/** What a call is about, before it is made. */
interface FetchCall {
  readonly spanName: string;
  readonly attributes: Attributes;
  /** Those of the attributes that its duration carries. */
  readonly labels: Attributes;
}

/** Makes the instrumentation. It follows the requests of undici until it is closed. */
export function createFetchInstrumentation(
  api: OtelApi,
  { instruments, httpMethods = HTTP_METHODS }: FetchInstrumentationOptions,
): FetchInstrumentation {
  const tracer = tracerOf(api);
  const key = api.createContextKey('@ephemos/service: the span of the fetch that is running');
  const known = new Set(httpMethods);
  // A call is one span, also when it is redirected; the peer is that of the last connection, the one that answered.
  const stop = followRequests(
    () => api.context.active().getValue(key),
    (owner, socket) => {
      if (isSpan(owner) && owner.isRecording()) owner.setAttributes(connectionOf(socket));
    },
  );

  async function run(fetch: EphemosFetch, input: Input, init: RequestInit | undefined): Promise<Response> {
    const url = input instanceof Request ? input.url : String(input);
    // That it is none is for fetch to say.
    if (!URL.canParse(url)) return fetch(input, init);
    const call = describeFetch(new URL(url), init?.method ?? (input instanceof Request ? input.method : 'GET'), known);
    // As fetch itself does it: headers of the second argument replace those of a Request.
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    const startedAt = performance.now();
    const { span, context } = start(call);
    injectContext(api, context, headers);
    try {
      const response = await api.context.with(context.setValue(key, span), () => fetch(input, { ...init, headers }));
      const failed = response.status >= 400 ? String(response.status) : undefined;
      end(span, call, startedAt, { 'http.response.status_code': response.status, ...(failed !== undefined && { 'error.type': failed }) });
      return response;
    } catch (error) {
      end(span, call, startedAt, { 'error.type': errorTypeOf(error) });
      throw error;
    }
  }

  function start({ spanName, attributes }: FetchCall): { readonly span: Span; readonly context: Context } {
    const parent = api.context.active();
    const span = tracer.startSpan(spanName, { kind: api.SpanKind.CLIENT, attributes }, parent);
    return { span, context: api.trace.setSpan(parent, span) };
  }

  // Ended with the headers, as the conventions allow: nothing makes a caller read the body.
  function end(span: Span, { labels }: FetchCall, startedAt: number, ending: Attributes): void {
    span.setAttributes(ending);
    if (ending['error.type'] !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR });
    span.end();
    instruments.httpClient.record((performance.now() - startedAt) / 1000, { ...labels, ...ending });
  }

  return {
    instrument: (fetch) =>
      Object.assign((input: Input, init?: RequestInit) => run(fetch, input, init), {
        reauthorize: () => fetch.reauthorize(),
        close: () => fetch.close(),
        [Symbol.asyncDispose]: () => fetch.close(),
      }),
    close: stop,
  };
}

function describeFetch({ protocol, origin, pathname, hostname, port }: URL, method: string, known: ReadonlySet<string>): FetchCall {
  // fetch itself writes the usual methods in capitals.
  const upper = method.toUpperCase();
  const { name, label, original } = describeMethod(known.has(upper) ? upper : method, known);
  const labels = {
    'http.request.method': label,
    'server.address': hostname.replace(/^\[|\]$/g, ''),
    'server.port': Number(port || 443),
    'url.scheme': protocol.slice(0, -1),
  };
  // Without the query, the fragment and what stands before the host: all of them may hold secrets.
  return { spanName: name, labels, attributes: { ...labels, ...original, 'url.full': origin + pathname } };
}

function connectionOf(socket: object): Attributes {
  const h2 = 'alpnProtocol' in socket && socket.alpnProtocol === 'h2';
  return { 'network.protocol.version': h2 ? '2' : '1.1', ...socketAttributes(socket), ...peerAttributesOf(socket) };
}

function isSpan(value: unknown): value is Span {
  return typeof value === 'object' && value !== null && 'isRecording' in value && 'setAttributes' in value;
}
