// The HTTP/1 server: a plain https.Server whose sockets pass the terminator before its own listener sees them.
import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import { Server } from 'node:https';
import type { TLSSocket, TlsOptions, Server as TlsServer } from 'node:tls';
import { EphemosError } from '../errors.ts';
import type { LiveConnection } from '../tls/live-connection.ts';
import { type HandOver, type ServerOptions, terminate, tlsServerOptions } from '../tls/terminate.ts';

/** What a gated server can do besides what its class can. */
export interface Gated {
  /** Verifies and authorizes every live connection again; those that no longer pass end. Call it when your policy has changed. */
  reauthorize(): Promise<void>;
}

/** A node:https server behind the gate. */
export type EphemosServer = Server & Gated;

/**
 * Makes an HTTPS server that knows its callers by SPIFFE ID. It is a `node:https` server: any framework that takes a listener works with it.
 * A caller that is not verified and authorized is gone before the listener runs; the reason is emitted as 'tlsClientError'.
 * @example
 * createServer({ source, authorize: authorizeId('spiffe://example.org/web') }, (req, res) => {
 *   res.end(`hello ${peerOf(req).id}`);
 * }).listen(8443);
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createServer(options: ServerOptions, listener?: RequestListener): EphemosServer {
  return createSharedServer(options, ['http/1.1'], listener);
}

/** The same with more protocols on the port: sockets of a protocol in `others` are handed over there instead. */
export function createSharedServer(
  options: ServerOptions,
  protocols: readonly string[],
  listener: RequestListener | undefined,
  others: Readonly<Record<string, HandOver>> = {},
): EphemosServer {
  const connections = new WeakMap<object, LiveConnection>();
  const server = new GatedServer(tlsServerOptions(options, protocols), connections);
  if (listener !== undefined) server.on('request', listener);
  const serveHttp = takeConnectionListener(server);
  const { reauthorize } = terminate(server, options, (socket, connection) => {
    const handOver = typeof socket.alpnProtocol === 'string' ? others[socket.alpnProtocol] : undefined;
    if (handOver !== undefined) return handOver(socket, connection);
    connections.set(socket, connection);
    serveHttp(socket);
  });
  return Object.assign(server, { reauthorize });
}

// The second look, at every request: by then the connection may be on its way out.
class GatedServer extends Server {
  readonly #connections: WeakMap<object, LiveConnection>;

  constructor(options: TlsOptions, connections: WeakMap<object, LiveConnection>) {
    super(options);
    this.#connections = connections;
  }

  override emit(event: string, ...args: unknown[]): boolean {
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        if (!this.#passes(args[0], args[1])) return true;
        break;
      case 'upgrade':
      case 'connect':
        if (!this.#passesUpgrade(args[1])) return true;
        break;
    }
    return super.emit(event, ...args);
  }

  #passes(request: unknown, response: unknown): boolean {
    if (!(request instanceof IncomingMessage && response instanceof ServerResponse)) return false;
    // Asked of the request: the response of a pipelined one has no socket until its turn comes.
    const connection = this.#connectionOf(request.socket);
    if (connection?.refused === true) {
      response.writeHead(403, { connection: 'close', 'content-length': '0' }).end();
      return false;
    }
    // Promise 5: in the last part of its life a connection tells HTTP/1 clients to open another one.
    if (connection?.draining === true) response.setHeader('connection', 'close');
    return true;
  }

  #passesUpgrade(socket: unknown): boolean {
    const connection = this.#connectionOf(socket);
    if (connection?.refused !== true) return true;
    // Node has taken its own listeners off by now: a reset would end the process.
    connection.socket.on('error', () => undefined).write('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    connection.socket.destroySoon();
    return false;
  }

  #connectionOf(socket: unknown): LiveConnection | undefined {
    return typeof socket === 'object' && socket !== null ? this.#connections.get(socket) : undefined;
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
