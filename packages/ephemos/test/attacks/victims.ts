// The servers and clients under attack, each with a way to use it and a count of what got through.
import { request as httpRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Client, Server, type ServiceDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { type ClientOptions, createAgent, createFetch, createServer, type ServerOptions } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { connect, listen, peerOf } from 'ephemos/tls';
import { next } from '../support/events.ts';

const ECHO = '/attacks.Echo/Echo';
const bytes = (value: Buffer): Buffer => value;
const service: ServiceDefinition = {
  echo: {
    path: ECHO,
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
};

/** A server under attack. */
export interface VictimServer extends AsyncDisposable {
  readonly port: number;
  /** How often its handler ran: for an attacker never. */
  readonly handled: () => number;
  /** Every refusal and failed handshake so far. */
  readonly errors: readonly Error[];
  /** The ALPN protocols that its clients offer. */
  readonly protocols: readonly string[];
  /** Sends a request over a socket, without looking at the answer. */
  readonly use: (socket: TLSSocket) => void;
}

export type OpenVictimServer = (options: ServerOptions) => Promise<VictimServer>;

export const victimServers: Readonly<Record<string, OpenVictimServer>> = {
  async createServer(options) {
    let handled = 0;
    const errors: Error[] = [];
    const server = createServer(options, (_request, response) => {
      handled += 1;
      response.end('served');
    });
    server.on('tlsClientError', (error: Error) => errors.push(error));
    server.listen(0, '127.0.0.1');
    await next(server, 'listening');
    return {
      port: portOf(server.address()),
      handled: () => handled,
      errors,
      protocols: ['http/1.1'],
      use: (socket) => void socket.write('POST / HTTP/1.1\r\nHost: victim\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        server.close();
        await next(server, 'close');
      },
    };
  },

  async createGrpcListener(options) {
    let handled = 0;
    const errors: Error[] = [];
    const server = new Server();
    server.addService(service, {
      echo(_call: unknown, callback: (error: null, value: Buffer) => void) {
        handled += 1;
        callback(null, Buffer.from('served'));
      },
    });
    const listener = createGrpcListener(server, options);
    listener.on('tlsClientError', (error: Error) => errors.push(error));
    listener.listen(0, '127.0.0.1');
    await next(listener, 'listening');
    return {
      port: portOf(listener.address()),
      handled: () => handled,
      errors,
      protocols: ['h2'],
      use: (socket) => void socket.write(encodeGrpcCall()),
      async [Symbol.asyncDispose]() {
        server.forceShutdown();
        listener.close();
        await next(listener, 'close');
      },
    };
  },

  async listen(options) {
    let handled = 0;
    const errors: Error[] = [];
    const listener = await listen({ ...options, host: '127.0.0.1', onRefused: (error) => errors.push(error) }, (socket) => {
      peerOf(socket);
      handled += 1;
      socket.end('served');
    });
    return {
      port: listener.address().port,
      handled: () => handled,
      errors,
      protocols: [],
      use: (socket) => void socket.write('request'),
      [Symbol.asyncDispose]: () => listener.close(),
    };
  },
};

/** A client under attack. */
export interface VictimClient extends AsyncDisposable {
  /** Makes one request to a port; resolves with the answer. */
  request(port: number): Promise<string>;
  /** Where it keeps the reason when a request fails: the error itself, its cause, or text. */
  reasonOf(failure: unknown): unknown;
}

export const victimClients: Readonly<Record<string, (options: ClientOptions) => VictimClient>> = {
  createFetch(options) {
    const fetch = createFetch(options);
    return {
      request: async (port) => (await fetch(`https://127.0.0.1:${port}/`, { method: 'POST', body: 'secret' })).text(),
      reasonOf: (failure) => (failure instanceof Error ? failure.cause : undefined),
      [Symbol.asyncDispose]: () => fetch.close(),
    };
  },

  createAgent(options) {
    const agent = createAgent(options);
    return {
      request: (port) =>
        new Promise((resolve, reject) => {
          // What a careless caller might pass must not open the gate.
          const careless = { rejectUnauthorized: true, checkServerIdentity: () => undefined };
          const sent = httpRequest({ host: '127.0.0.1', port, agent, method: 'POST', ...careless }, (response) => {
            response.setEncoding('utf8').once('data', resolve);
          });
          sent.once('error', reject).end('secret');
        }),
      reasonOf: (failure) => failure,
      async [Symbol.asyncDispose]() {
        agent.destroy();
      },
    };
  },

  connect(options) {
    const sockets = new Set<TLSSocket>();
    return {
      async request(port) {
        const socket = await connect({ ...options, host: '127.0.0.1', port });
        sockets.add(socket);
        socket.write('secret');
        const [data] = await next(socket, 'data');
        return String(data);
      },
      reasonOf: (failure) => failure,
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy();
      },
    };
  },

  createChannelCredentials(options) {
    const clients = new Set<Client>();
    return {
      request(port) {
        const client = new Client(`127.0.0.1:${port}`, createChannelCredentials(options));
        clients.add(client);
        return new Promise((resolve, reject) => {
          client.makeUnaryRequest(ECHO, bytes, bytes, Buffer.from('secret'), { deadline: Date.now() + 5_000 }, (error, value) =>
            error === null ? resolve(String(value)) : reject(error),
          );
        });
      },
      // grpc-js keeps of an error nothing but its message.
      reasonOf: (failure) => (isServiceError(failure) && failure.code === status.UNAVAILABLE ? failure.details : undefined),
      async [Symbol.asyncDispose]() {
        for (const client of clients) client.close();
      },
    };
  },
};

/** A gRPC call as bytes: preface, SETTINGS, HEADERS of stream 1 and an empty message. Header fields are literals (RFC 7541 section 6.2.2). */
function encodeGrpcCall(): Buffer {
  const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer =>
    Buffer.concat([Buffer.from([0, payload.length >> 8, payload.length & 0xff, type, flags, 0, 0, 0, stream]), payload]);
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const fields = {
    ':method': 'POST',
    ':scheme': 'https',
    ':path': ECHO,
    ':authority': 'victim',
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  const headers = Buffer.concat(Object.entries(fields).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
  const frames = [frame(4, 0, 0, Buffer.alloc(0)), frame(1, 4, 1, headers), frame(0, 1, 1, Buffer.alloc(5))];
  return Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), ...frames]);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'details' in error && 'code' in error;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new TypeError('no port');
  return address.port;
}
