// A request that passed both gates, on its way to whoever serves it: what is around a service counts it, times it and traces it.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Peer } from '../spiffe/peer.ts';
import type { LiveConnection } from '../tls/live-connection.ts';

/** How a request ended. */
export interface RequestEnd {
  /** HTTP status; 0 when no answer was begun. */
  readonly status: number;
  /** gRPC status code of a gRPC call that was answered. */
  readonly grpcStatus?: number | undefined;
  /** True when the answer was cut off, by either side. */
  readonly aborted: boolean;
}

/** A request or gRPC call that was verified and authorized. */
export interface ServedRequest {
  readonly protocol: 'http' | 'grpc';
  readonly httpVersion: '1.1' | '2';
  readonly method: string;
  /** As it was sent, with its query; for gRPC `/package.Service/Method`. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly peer: Peer;
  /** The connection, to ask for its address and TLS. It is not to be read or written. */
  readonly socket: TLSSocket;
  /** True for an upgrade, such as that of a WebSocket. */
  readonly upgrade: boolean;
  /** Called back once, when the answer is complete or cut off, at once when that is so; for an upgrade when the connection closes. */
  onEnd(listener: (end: RequestEnd) => void): void;
}

/** Runs around every admitted request. It calls `next` once, at once or later; what it wraps around that call wraps the handler. */
export type Intercept = (request: ServedRequest, next: () => void) => void;

/** Of an HTTP/1 request with its response, or of an upgrade, which has none. Nothing of it is read before it is asked for. */
export class ServedHttpRequest implements ServedRequest {
  readonly protocol = 'http';
  readonly httpVersion = '1.1';
  readonly peer: Peer;
  readonly socket: TLSSocket;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse | undefined;

  constructor({ peer, socket }: LiveConnection, request: IncomingMessage, response: ServerResponse | undefined) {
    this.peer = peer;
    this.socket = socket;
    this.#request = request;
    this.#response = response;
  }

  get method(): string {
    return this.#request.method ?? '';
  }

  get path(): string {
    return this.#request.url ?? '';
  }

  get headers(): IncomingHttpHeaders {
    return this.#request.headers;
  }

  get upgrade(): boolean {
    return this.#response === undefined;
  }

  onEnd(listener: (end: RequestEnd) => void): void {
    const response = this.#response;
    // What an upgrade is answered with is between the handler and the client.
    if (response === undefined) whenClosed(this.socket, () => listener({ status: 0, aborted: false }));
    else
      whenClosed(response, () => listener({ status: response.headersSent ? response.statusCode : 0, aborted: !response.writableFinished }));
  }
}

/** Of a stream of HTTP/2. */
export class ServedStream implements ServedRequest {
  readonly protocol: 'http' | 'grpc';
  readonly httpVersion = '2';
  readonly upgrade = false;
  readonly peer: Peer;
  readonly socket: TLSSocket;
  readonly headers: IncomingHttpHeaders;
  readonly #stream: ServerHttp2Stream;

  constructor(protocol: 'http' | 'grpc', { peer, socket }: LiveConnection, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.protocol = protocol;
    this.peer = peer;
    this.socket = socket;
    this.headers = headers;
    this.#stream = stream;
  }

  get method(): string {
    return textOf(this.headers[':method']);
  }

  get path(): string {
    return textOf(this.headers[':path']);
  }

  onEnd(listener: (end: RequestEnd) => void): void {
    whenClosed(this.#stream, () => listener(endOf(this.#stream, this.protocol)));
  }
}

function endOf({ sentHeaders, sentTrailers, rstCode }: ServerHttp2Stream, protocol: 'http' | 'grpc'): RequestEnd {
  const status = Number(sentHeaders?.[':status'] ?? 0);
  const aborted = rstCode !== constants.NGHTTP2_NO_ERROR;
  if (protocol === 'http') return { status, aborted };
  const grpc = sentTrailers?.['grpc-status'] ?? sentHeaders?.['grpc-status'];
  return { status, grpcStatus: grpc === undefined ? undefined : Number(grpc), aborted };
}

function textOf(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : '';
}

function whenClosed(
  emitter: { readonly closed: boolean; once(event: 'close', listener: () => void): unknown },
  listener: () => void,
): void {
  if (emitter.closed) listener();
  else emitter.once('close', listener);
}
