// The HTTP/1 server: a plain https.Server whose sockets pass the terminator before its own listener sees them.
import { IncomingMessage, type RequestListener, ServerResponse, STATUS_CODES } from 'node:http';
import { Server } from 'node:https';
import type { TLSSocket, TlsOptions, Server as TlsServer } from 'node:tls';
import { checkAuthorizer } from '../authorize/authorizer.ts';
import { EphemosError } from '../errors.ts';
import type { Drainable } from '../tls/drain.ts';
import type { LiveConnection } from '../tls/live-connection.ts';
import { type HandOver, terminate, tlsServerOptions } from '../tls/terminate.ts';
import { announcesMore, limitBody } from './body-limit.ts';
import { dropFromRaw, hasIdentityHeader } from './identity-headers.ts';
import { keepContext } from './keep-context.ts';
import { createRequestGate, type RequestGate } from './request-gate.ts';
import { checkRequestOptions, type RequestServerOptions } from './request-options.ts';
import { ServedHttpRequest } from './served-request.ts';
import { watchStalls } from './stall-watch.ts';

/** What a gated server can do besides what its class can. */
export interface Gated {
  /** Verifies and authorizes every live connection again; those that no longer pass end. Call it when your policy has changed. */
  reauthorize(): Promise<void>;
}

/** A node:https server behind the gate. */
export type EphemosServer = Server & Gated & Drainable;

/**
 * Makes an HTTPS server that knows its callers by SPIFFE ID. It is a `node:https` server: any framework that takes a listener works with it.
 * A caller that is not verified and authorized is gone before the listener runs; the reason is emitted as 'tlsClientError'. A request that the
 * authorizer refuses is answered with 403, one whose target no rule could be compared with with 400.
 * @example
 * createServer({ source, authorize: authorizeId('spiffe://example.org/web') }, (req, res) => {
 *   res.end(`hello ${peerOf(req).id}`);
 * }).listen(8443);
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createServer(options: RequestServerOptions, listener?: RequestListener): EphemosServer {
  return createSharedServer(options, ['http/1.1'], listener);
}

/** The same with more protocols on the port: sockets of a protocol in `others` are handed over there instead. */
export function createSharedServer(
  options: RequestServerOptions,
  protocols: readonly string[],
  listener: RequestListener | undefined,
  others: Readonly<Record<string, HandOver>> = {},
): EphemosServer {
  checkRequestOptions(options);
  const connections = new WeakMap<object, LiveConnection>();
  const server = new GatedServer(tlsServerOptions(options, protocols), options, connections);
  if (listener !== undefined) server.on('request', listener);
  const serveHttp = takeConnectionListener(server);
  const {
    connections: live,
    reauthorize,
    drain,
    destroyConnections,
  } = terminate(server, options, (socket, connection) => {
    const handOver = typeof socket.alpnProtocol === 'string' ? others[socket.alpnProtocol] : undefined;
    if (handOver !== undefined) return handOver(socket, connection);
    connections.set(socket, connection);
    connection.onDrain(() => server.tellUnderWay(connection));
    serveHttp(socket);
  });
  const { stallTimeout } = options;
  if (stallTimeout !== undefined) server.once('close', watchStalls(live, stallTimeout));
  return Object.assign(server, { reauthorize, drain, destroyConnections });
}

// The second gate, at every request; by then the connection may be on its way out, too.
class GatedServer extends Server {
  readonly #connections: WeakMap<object, LiveConnection>;
  readonly #gate: RequestGate;
  readonly #options: RequestServerOptions;
  /** The last response of each connection. */
  readonly #responses = new WeakMap<LiveConnection, ServerResponse>();

  constructor(tls: TlsOptions, options: RequestServerOptions, connections: WeakMap<object, LiveConnection>) {
    const { maxHeaderBytes, maxRequestsPerConnection } = options;
    super({ ...tls, ...(maxHeaderBytes === undefined ? {} : { maxHeaderSize: maxHeaderBytes }) });
    // Node tells the client in the last answer, and refuses with 503 what comes after it.
    if (maxRequestsPerConnection !== undefined) this.maxRequestsPerSocket = maxRequestsPerConnection;
    this.#connections = connections;
    this.#options = options;
    this.#gate = createRequestGate(checkAuthorizer(options.authorize));
  }

  override emit(event: string, ...args: unknown[]): boolean {
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return this.#onRequest(event, args);
      case 'upgrade':
      case 'connect':
        return this.#onUpgrade(event, args);
      default:
        return super.emit(event, ...args);
    }
  }

  /** Says in the answer that is under way, when it has not begun, that the connection ends with it. */
  tellUnderWay(connection: LiveConnection): void {
    const response = this.#responses.get(connection);
    if (response !== undefined && !response.headersSent && !response.writableEnded) response.setHeader('connection', 'close');
  }

  // Node would send 100 Continue, and so ask for the body, before anybody has judged the request.
  override listenerCount(event: string | symbol, listener?: (...args: never[]) => void): number {
    const count = super.listenerCount(event, listener);
    return event === 'checkContinue' && listener === undefined ? Math.max(count, 1) : count;
  }

  #onRequest(event: string, args: readonly unknown[]): boolean {
    const [request, response] = args;
    // Asked of the request: the response of a pipelined one has no socket until its turn comes.
    const connection = request instanceof IncomingMessage ? this.#connections.get(request.socket) : undefined;
    if (connection === undefined || !(request instanceof IncomingMessage) || !isResponse(response)) return endUngated(request);
    connection.use();
    const refusal = this.#gate.judgeHttp(connection, request);
    if (refusal !== undefined) {
      if (refusal.whole === true) response.setHeader('connection', 'close');
      response.writeHead(refusal.status, { 'content-length': '0' }).end();
      return true;
    }
    // Promise 5: in the last part of its life a connection tells HTTP/1 clients to open another one.
    if (connection.draining) response.setHeader('connection', 'close');
    this.#responses.set(connection, response);
    if (!this.#takesBody(request, response)) return true;
    if (hasIdentityHeader(request.rawHeaders)) dropIdentity(request);
    return this.#serve(event, args, connection, request, response);
  }

  #onUpgrade(event: string, args: readonly unknown[]): boolean {
    const [request, socket] = args;
    const connection = typeof socket === 'object' && socket !== null ? this.#connections.get(socket) : undefined;
    if (connection === undefined || !(request instanceof IncomingMessage)) return endUngated(request);
    connection.use();
    const refusal = this.#gate.judgeHttp(connection, request);
    if (refusal !== undefined) {
      // Node has taken its own listeners off by now: a reset would end the process.
      connection.socket.on('error', () => undefined).write(`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${NO_MORE}`);
      connection.socket.destroySoon();
      return true;
    }
    if (hasIdentityHeader(request.rawHeaders)) dropIdentity(request);
    return this.#serve(event, args, connection, request, undefined);
  }

  #serve(
    event: string,
    args: readonly unknown[],
    connection: LiveConnection,
    request: IncomingMessage,
    response: ServerResponse | undefined,
  ): boolean {
    const { intercept, keepContext: keeps = true } = this.#options;
    if (intercept === undefined) return this.#handOver(event, args);
    let heard = true;
    intercept(new ServedHttpRequest(connection, request, response), () => {
      // The socket of an upgrade is not the request's alone.
      if (keeps && response !== undefined) keepContext(args);
      heard = this.#handOver(event, args);
    });
    return heard;
  }

  #handOver(event: string, args: readonly unknown[]): boolean {
    const [, response] = args;
    if (event !== 'checkContinue' || super.listenerCount(event) > 0) return super.emit(event, ...args);
    if (isResponse(response)) response.writeContinue();
    return super.emit('request', ...args);
  }

  #takesBody(request: IncomingMessage, response: ServerResponse): boolean {
    const { maxBodyBytes } = this.#options;
    if (maxBodyBytes === undefined) return true;
    const refuse = (): void => {
      const end = (): void => request.socket.destroySoon();
      if (response.headersSent) end();
      else response.once('finish', end).writeHead(413, { connection: 'close', 'content-length': '0' }).end();
    };
    if (announcesMore(request.headers['content-length'], maxBodyBytes)) {
      refuse();
      return false;
    }
    if (request.headers['transfer-encoding'] !== undefined) {
      limitBody(request, maxBodyBytes, () => {
        refuse();
        request.destroy(new EphemosError('ERR_LIMIT_REACHED', `the body is longer than ${maxBodyBytes} bytes`));
      });
    }
    return true;
  }
}

function isResponse(value: unknown): value is ServerResponse {
  return value instanceof ServerResponse;
}

// Somebody has given the server a socket that no gate has seen.
function endUngated(request: unknown): boolean {
  if (request instanceof IncomingMessage) request.socket.destroy();
  return false;
}

const NO_MORE = 'Connection: close\r\nContent-Length: 0\r\n\r\n';

// Node makes the other two views of the list when they are first asked for, and counts on its length then: so before it is cut.
function dropIdentity({ rawHeaders, headers, headersDistinct }: IncomingMessage): void {
  for (const name of dropFromRaw(rawHeaders)) {
    delete headers[name];
    delete headersDistinct[name];
  }
}

/** Takes Node's own 'secureConnection' listener off a server, so that it can be called when the gate has opened. */
export function takeConnectionListener(server: TlsServer): (socket: TLSSocket) => void {
  const [listener, ...more] = server.listeners('secureConnection');
  if (listener === undefined || more.length > 0) {
    throw new EphemosError('ERR_OPTION_INVALID', 'the server does not have exactly one listener of its own for secure connections', {
      hint: 'this Node.js release is not supported',
    });
  }
  server.removeAllListeners('secureConnection');
  return (socket) => void Reflect.apply(listener, server, [socket]);
}
