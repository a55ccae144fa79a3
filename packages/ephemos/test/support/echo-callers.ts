// The same call, a POST that is echoed, through every client and against every server: what must hold for all of them is tested on all of them.

import type { Server } from 'node:tls';
import { type ClientOptions, createAgent, createFetch, createServer, type ServerOptions } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { createHttp2Client, createHttp2Server as createOurHttp2Server } from 'ephemos/http2';
import { createDispatcher } from 'ephemos/undici';
import { request } from 'undici';
import { readAll } from './bytes.ts';
import { createEchoClient, createEchoServer } from './grpc-echo.ts';
import { httpsCall } from './https-call.ts';

/** Sends a text and resolves with what came back. */
export interface Caller {
  call(text: string): Promise<string>;
  close(): void | Promise<void>;
}

export type Protocol = 'http1' | 'http2' | 'grpc';

/** Our servers, each echoes. */
export const echoServers: Readonly<Record<Protocol, (options: ServerOptions) => Server>> = {
  http1: (options) => createServer(options, (incoming, response) => void incoming.pipe(response)),
  http2: (options) => createOurHttp2Server(options, (incoming, response) => void incoming.pipe(response)),
  grpc: (options) => createGrpcListener(createEchoServer(() => 'x').server, options),
};

/** Our clients by name, with the protocol that they speak. */
export const echoCallers: Readonly<Record<string, { readonly protocol: Protocol; open(port: number, options: ClientOptions): Caller }>> = {
  createAgent: {
    protocol: 'http1',
    open(port, options) {
      const agent = createAgent(options);
      return {
        call: async (body) => statusOk(await httpsCall(`https://127.0.0.1:${port}/`, { agent, body })).body,
        close: () => agent.destroy(),
      };
    },
  },
  createFetch: {
    protocol: 'http1',
    open(port, options) {
      const fetch = createFetch(options);
      return {
        async call(body) {
          const response = await fetch(`https://127.0.0.1:${port}/`, { method: 'POST', body });
          return statusOk({ status: response.status, body: await response.text() }).body;
        },
        close: () => fetch.close(),
      };
    },
  },
  'createDispatcher with allowH2': {
    protocol: 'http2',
    open(port, options) {
      const dispatcher = createDispatcher({ ...options, allowH2: true });
      return {
        async call(text) {
          const { statusCode, body } = await request(`https://127.0.0.1:${port}/`, { dispatcher, method: 'POST', body: text });
          return statusOk({ status: statusCode, body: await body.text() }).body;
        },
        close: () => dispatcher.close(),
      };
    },
  },
  createHttp2Client: {
    protocol: 'http2',
    open(port, options) {
      const client = createHttp2Client(`https://127.0.0.1:${port}`, options);
      return {
        async call(body) {
          const stream = await client.request({ ':method': 'POST', ':path': '/' });
          stream.end(body);
          return readAll(stream);
        },
        close: () => client.close(),
      };
    },
  },
  createChannelCredentials: {
    protocol: 'grpc',
    open(port, options) {
      const client = createEchoClient(`127.0.0.1:${port}`, createChannelCredentials(options));
      return { call: async (text) => (await client.echo(text)).replace(/ from x$/, ''), close: () => client.client.close() };
    },
  },
};

function statusOk<T extends { readonly status: number; readonly body: string }>(answer: T): T {
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.body}`);
  return answer;
}
