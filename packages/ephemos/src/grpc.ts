// 'ephemos/grpc': @grpc/grpc-js over the terminator and the connector.
import type { RequestListener } from 'node:http';
import { constants, type Http2Session, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import {
  CallCredentials,
  ChannelCredentials,
  type ChannelOptions,
  type Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { type Authorizer, checkAuthorizer } from './authorize/authorizer.ts';
import { EphemosError, isEphemosError } from './errors.ts';
import { boundSession } from './http/bound-session.ts';
import { createRequestGate } from './http/request-gate.ts';
import { checkRequestOptions, type RequestServerOptions } from './http/request-options.ts';
import { createRouteGate, type RouteGate } from './http/route-gate.ts';
import { sayGoodbye } from './http/say-goodbye.ts';
import { createSharedServer, type Gated } from './http/server.ts';
import { type AnswerCall, gateSession } from './http/session-gate.ts';
import { checkKeepalive, type KeepaliveOptions, keepSession } from './http/session-keepalive.ts';
import { type ClientOptions, type Connector, createConnector } from './tls/connect.ts';
import type { Drainable } from './tls/drain.ts';
import { errorOnEarlyClose, textOf } from './tls/early-close.ts';
import type { LiveConnection } from './tls/live-connection.ts';
import { peerOf } from './tls/peer-of.ts';
import { type HandOver, terminate, tlsServerOptions } from './tls/terminate.ts';

export type { AnswerCall } from './http/session-gate.ts';
export type { KeepaliveOptions } from './http/session-keepalive.ts';
export { onDrain, peerOf } from './tls/peer-of.ts';

/** What {@link createGrpcListener} takes. */
export interface GrpcListenerOptions extends RequestServerOptions {
  readonly keepalive?: KeepaliveOptions | undefined;
  /** Serves HTTP/1.1 on the same port. `h2` stays gRPC: an HTTP/2 handler needs a listener of its own. */
  readonly http?: RequestListener | undefined;
  /** Answers calls before the gRPC server sees them, such as those of a health service; true when it did. */
  readonly answerCall?: AnswerCall | undefined;
}

/** A TLS listener in front of a gRPC server: `listen`, `address` and `close` as in node:net. */
export type GrpcListener = TlsServer & Gated & Drainable;

/**
 * Puts a gRPC server behind the gate. The server needs no bindAsync; `peerOf(call)` says who calls.
 * Close the listener and shut the server down (`tryShutdown`) yourself.
 * @example
 * createGrpcListener(server, { source, authorize: authorizeId('spiffe://example.org/web') }).listen(8443);
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createGrpcListener(server: Server, options: GrpcListenerOptions): GrpcListener {
  checkRequestOptions(options);
  const handOver = createHandOver(server, options);
  if (options.http !== undefined) return createSharedServer(options, ['h2', 'http/1.1'], options.http, { h2: handOver });
  const listener = createTlsServer(tlsServerOptions(options, ['h2']));
  const { reauthorize, drain, destroyConnections } = terminate(listener, options, handOver);
  return Object.assign(listener, { reauthorize, drain, destroyConnections });
}

function createHandOver(server: Server, options: GrpcListenerOptions): HandOver {
  const { keepalive = {} } = options;
  checkKeepalive(keepalive);
  const gate = createRequestGate(checkAuthorizer(options.authorize));
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return (socket, connection) => {
    if (socket.alpnProtocol !== 'h2') {
      throw new EphemosError('ERR_ALPN_MISMATCH', 'the client did not ask for h2, and gRPC speaks nothing else');
    }
    connection.use();
    injector.injectConnection(socket);
    const session = boundSession(socket);
    if (session === undefined || !isServerSession(session)) {
      throw new EphemosError('ERR_OPTION_INVALID', 'the gRPC server did not take the connection', {
        hint: 'it was shut down, or this release of @grpc/grpc-js is not supported',
      });
    }
    gateSession(session, connection, { ...options, gate, protocol: 'grpc' });
    keepSession(session, keepalive);
    connection.onDrain(() => sayGoodbye(session));
  };
}

function isServerSession(session: Http2Session): session is ServerHttp2Session {
  return session.type === constants.NGHTTP2_SESSION_SERVER;
}

type ServerCall = Parameters<ServerInterceptor>[1];

/**
 * Makes an interceptor for `new Server({ interceptors: [...] })`: calls of whom the authorizer does not admit end with PERMISSION_DENIED before
 * their handler starts. It is asked with the service and method of each call. On a port that the same server opened with `bindAsync` nobody is
 * verified, and every call there ends with UNAUTHENTICATED. Methods that the server does not have are answered by grpc-js with UNIMPLEMENTED
 * before any interceptor runs. In handlers and later interceptors `peerOf(call)` says who calls.
 * @example
 * const server = new Server({ interceptors: [requirePeer(({ id }, target) => target?.method === 'Get' || id.equals(ops))] });
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID
 */
export function requirePeer(authorize: Authorizer): ServerInterceptor {
  const gate = createRouteGate(authorize);
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, pass) {
            const refusal = judgeCall(gate, call, path);
            if (refusal === undefined) pass(metadata);
            else call.sendStatus(refusal);
          },
        });
      },
    });
}

// Never throws: in an interceptor that would end the process.
function judgeCall(gate: RouteGate, call: ServerCall, path: string): Parameters<ServerCall['sendStatus']>[0] | undefined {
  try {
    const refusal = gate.judgeCall(peerOf(call), path, call.getConnectionInfo().remoteAddress);
    return refusal === undefined ? undefined : { code: status.PERMISSION_DENIED, details: refusal.error.message };
  } catch (error) {
    if (isEphemosError(error)) return { code: status.UNAUTHENTICATED, details: error.message };
    return { code: status.INTERNAL, details: 'the caller could not be judged' };
  }
}

/** Credentials for gRPC channels, with the gate's own operations. */
export type EphemosChannelCredentials = ChannelCredentials & Gated;

/**
 * Makes channel credentials: `new OrdersClient('orders:8443', createChannelCredentials({ source, authorize }))`.
 * The server is verified and authorized before the channel is ready; a refusal shows as UNAVAILABLE with our reason in its details.
 * Give the client {@link channelOptions} too, so that it is back soon after an outage.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createChannelCredentials(options: ClientOptions): EphemosChannelCredentials {
  return new SpiffeChannelCredentials(createConnector(options));
}

/**
 * How long a channel waits at most before it tries again, in milliseconds; grpc-js adds up to a fifth. After the 8 s that a source may wait for its
 * agent, a client is still back within 10 s.
 */
export const LONGEST_CHANNEL_BACKOFF_MS = 1_500;

/**
 * Channel options to go with {@link createChannelCredentials}: `new OrdersClient('orders:8443', credentials, channelOptions)`. Without them grpc-js
 * waits up to two minutes before it tries again (1.14), and longer the longer an outage was: also when the identity that was missing is back.
 */
export const channelOptions: Readonly<ChannelOptions> = Object.freeze({ 'grpc.max_reconnect_backoff_ms': LONGEST_CHANNEL_BACKOFF_MS });

type SecureConnector = ReturnType<ChannelCredentials['_createSecureConnector']>;
type ChannelTarget = Parameters<ChannelCredentials['_createSecureConnector']>[0];

// The methods with an underscore are what an own kind of credentials has to implement (grpc-js 1.13 to 1.14).
class SpiffeChannelCredentials extends ChannelCredentials implements Gated {
  readonly #connector: Connector;

  constructor(connector: Connector) {
    super();
    this.#connector = connector;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(target: ChannelTarget, options: ChannelOptions, callCredentials?: CallCredentials): SecureConnector {
    const servername = options['grpc.ssl_target_name_override'] ?? hostOf(target);
    return {
      connect: async (tcp: Socket) => {
        const connection = await this.#connector.connect({ socket: tcp, servername, protocols: ['h2'] }).catch((error: unknown) => {
          throw wholeText(error);
        });
        connection.onDrain(() => retire(connection));
        errorOnEarlyClose(connection);
        return { socket: connection.socket, secure: true };
      },
      waitForReady: async () => undefined,
      getCallCredentials: () => callCredentials ?? CallCredentials.createEmpty(),
      destroy: () => undefined,
    };
  }

  reauthorize(): Promise<void> {
    return this.#connector.reauthorize();
  }
}

// Of an error grpc-js keeps the text alone, as the details of the status: so code and hint are put into it.
function wholeText(error: unknown): unknown {
  return error instanceof EphemosError ? new EphemosError(error.code, textOf(error), { cause: error }) : error;
}

// To grpc-js this is a GOAWAY from the server: new calls go to a new connection, those under way finish on this one.
function retire({ socket }: LiveConnection): void {
  const session = boundSession(socket);
  if (session === undefined || session.closed) return;
  session.emit('goaway', 0, 0, Buffer.alloc(0));
  session.close();
}

function hostOf({ path }: ChannelTarget): string {
  const host = path.replace(/^\/+/, '').replace(/:\d+$/, '');
  return host.replace(/^\[|\]$/g, '');
}
