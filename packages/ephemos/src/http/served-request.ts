// A request that passed both gates, on its way to whoever serves it: what is around a service counts it, times it and traces it.
import type { IncomingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Peer } from '../spiffe/peer.ts';

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
  /** Called back once, when the answer is complete or cut off; for an upgrade when the connection closes. */
  onEnd(listener: (end: RequestEnd) => void): void;
}

/** Runs around every admitted request. It calls `next` once, at once or later; what it wraps around that call wraps the handler. */
export type Intercept = (request: ServedRequest, next: () => void) => void;
