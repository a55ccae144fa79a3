// 'ephemos/connect': Connect (connect-node) on both sides. Who calls, as a context value; who may, as an interceptor; and a client's HTTP/2.
import type { ClientHttp2Stream, ClientSessionRequestOptions, OutgoingHttpHeaders } from 'node:http2';
import {
  Code,
  ConnectError,
  type ContextKey,
  type ContextValues,
  createContextKey,
  createContextValues,
  type Interceptor,
} from '@connectrpc/connect';
import type { Authorizer } from './authorize/authorizer.ts';
import { EphemosError, isEphemosError } from './errors.ts';
import { createHttp2Client, type Http2ClientOptions } from './http/http2-client.ts';
import { createRouteGate } from './http/route-gate.ts';
import type { Gated } from './http/server.ts';
import type { Peer } from './spiffe/peer.ts';
import { textOf } from './tls/early-close.ts';
import { peerOf as peerOfCarrier } from './tls/peer-of.ts';

/** Where the peer stands among the context values of a call; undefined when Ephemos did not authenticate it. */
export const peerKey: ContextKey<Peer | undefined> = createContextKey<Peer | undefined>(undefined, { description: 'the peer of the call' });

/**
 * Puts the peer of a request among the context values: `connectNodeAdapter({ routes, contextValues: peerValues })`.
 * Never throws: an error there would end the process. {@link peerOf} and {@link requirePeer} refuse what has no peer.
 */
export function peerValues(request: object): ContextValues {
  const values = createContextValues();
  try {
    return values.set(peerKey, peerOfCarrier(request));
  } catch (error) {
    if (isEphemosError(error)) return values;
    throw error;
  }
}

/**
 * The verified peer that calls, for handlers (their context) and interceptors (their `contextValues`).
 * @example
 * router.service(OrderService, { get: (request, context) => ({ caller: peerOf(context).id.toString() }) });
 * @throws {EphemosError} ERR_PEER_UNAUTHENTICATED when the adapter was made without {@link peerValues}, or the server is not one of Ephemos
 */
export function peerOf({ values }: { readonly values: ContextValues }): Peer {
  const peer = values.get(peerKey);
  if (peer !== undefined) return peer;
  throw new EphemosError('ERR_PEER_UNAUTHENTICATED', 'this call has no peer that Ephemos authenticated', {
    hint: 'serve it with createServer or createHttp2Server, and connectNodeAdapter({ routes, contextValues: peerValues })',
  });
}

/**
 * Makes an interceptor for the server: calls of whom the authorizer does not admit end with `permission_denied` before their handler starts.
 * It is asked with the service and method of the call as a gRPC target, whatever the call came over: gRPC, gRPC-Web or Connect. The server's
 * own `authorize` sees HTTP alone, `POST /package.Service/Method`. Interceptors run only for methods that the router has; anything else
 * is answered by the adapter. A stream that is open goes on when the policy changes, until its connection is refused.
 * @example
 * connectNodeAdapter({ routes, contextValues: peerValues, interceptors: [requirePeer(authorizeId('spiffe://example.org/ops'))] });
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID
 */
export function requirePeer(authorize: Authorizer): Interceptor {
  const gate = createRouteGate(authorize);
  return (next) => async (request) => {
    const peer = peerIn(request.contextValues);
    const refusal = gate.judgeCall(peer, `/${request.service.typeName}/${request.method.name}`);
    if (refusal !== undefined) throw toConnectError(refusal.error, Code.PermissionDenied);
    return next(request);
  };
}

function peerIn(values: ContextValues): Peer {
  try {
    return peerOf({ values });
  } catch (error) {
    if (isEphemosError(error)) throw toConnectError(error, Code.Unauthenticated);
    throw error;
  }
}

/** The HTTP/2 connection of a Connect client behind the gate, for the `sessionManager` option of its transports. */
export interface EphemosSessionManager extends Gated, AsyncDisposable {
  readonly authority: string;
  request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, 'signal'>,
  ): Promise<ClientHttp2Stream>;
  notifyResponseByteRead(stream: ClientHttp2Stream): void;
  /** Lets calls finish and closes. */
  close(): Promise<void>;
}

/**
 * Makes the connection of a transport over HTTP/2, for one origin such as `https://orders:8443`. A server that is refused fails calls with
 * `unavailable`, with our error as the cause. Over HTTP/1.1 no adapter is needed: `nodeOptions: { agent: createAgent(options) }`.
 * With a session manager the transport ignores its own `nodeOptions` and ping and idle options; `options.session` is passed to node:http2.
 * @example
 * const sessionManager = createSessionManager(baseUrl, { source, authorize });
 * const transport = createGrpcTransport({ baseUrl, sessionManager });
 * @throws {EphemosError} ERR_URL_NOT_HTTPS, ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createSessionManager(origin: string | URL, options: Http2ClientOptions): EphemosSessionManager {
  const client = createHttp2Client(origin, options);
  return {
    authority: new URL(origin).origin,
    async request(method, path, headers, streamOptions) {
      try {
        return failAsConnect(await client.request({ ...headers, ':method': method, ':path': path }, streamOptions));
      } catch (error) {
        if (isEphemosError(error)) throw toConnectError(error, Code.Unavailable);
        throw error;
      }
    },
    // Tells a manager that sends pings that the connection lives; this one sends none.
    notifyResponseByteRead: () => undefined,
    reauthorize: () => client.reauthorize(),
    close: () => client.close(),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

// To connect-node an error that it does not know is `internal`, which nobody tries again: a server that closes on us is `unavailable` as well.
function failAsConnect(stream: ClientHttp2Stream): ClientHttp2Stream {
  const emit = stream.emit.bind(stream);
  return Object.assign(stream, {
    emit: (event: string | symbol, ...args: unknown[]): boolean => {
      const [error] = args;
      const told = event === 'error' && isEphemosError(error) ? [toConnectError(error, Code.Unavailable)] : args;
      return Reflect.apply(emit, stream, [event, ...told]);
    },
  });
}

function toConnectError(error: EphemosError, code: Code): ConnectError {
  return new ConnectError(code === Code.Unavailable ? textOf(error) : error.message, code, undefined, undefined, error);
}
