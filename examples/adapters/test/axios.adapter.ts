import { once } from 'node:events';
import { createServer as createPlainServer, type RequestListener } from 'node:http';
import type { Server } from 'node:net';
import axios, { type AxiosRequestConfig } from 'axios';
import { authorizeId, createAgent, createServer } from 'ephemos';
import { createHttp2Server } from 'ephemos/http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeClient } from './client.ts';
import { codesOf, failureOf, ids, type Name, openWorld, type World } from './world.ts';

describeClient({ file: 'axios.js', server: 'express.js', output: `orders for ${ids.web}\n` });

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

async function portOf(server: Server): Promise<number> {
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

async function openServer(as: Name, listener: RequestListener): Promise<{ readonly url: string } & Disposable> {
  const server = createServer({ source: await world.open(as), authorize: authorizeId(ids.web) }, listener);
  const url = `https://localhost:${await portOf(server)}/`;
  return { url, [Symbol.dispose]: () => void server.close() };
}

/** A server that must not be reached. */
async function openPlainServer(): Promise<{ readonly url: string; readonly reached: string[] } & Disposable> {
  const reached: string[] = [];
  const server = createPlainServer((request, response) => {
    reached.push(request.url ?? '');
    response.end('plain');
  });
  const url = `http://localhost:${await portOf(server)}/`;
  return { url, reached, [Symbol.dispose]: () => void server.close() };
}

/** The configuration of the example. */
async function config(): Promise<AxiosRequestConfig> {
  const agent = createAgent({ source: await world.open('web'), authorize: authorizeId(ids.orders) });
  return { adapter: 'http', httpAgent: agent, httpsAgent: agent, proxy: false };
}

describe('what the README says of axios', () => {
  it('an http URL fails before anything is sent', async () => {
    using plain = await openPlainServer();
    expect(await failureOf(axios.get(plain.url, await config()))).toMatchObject({ code: 'ERR_INVALID_PROTOCOL' });
    expect(plain.reached).toEqual([]);
  });

  it('a redirect to http fails before anything is sent', async () => {
    using plain = await openPlainServer();
    using orders = await openServer('orders', (_request, response) => response.writeHead(302, { location: `${plain.url}next` }).end());
    expect(await failureOf(axios.get(orders.url, await config()))).toMatchObject({
      message: expect.stringContaining('Protocol "http:" not supported'),
    });
    expect(plain.reached).toEqual([]);
  });

  it('a redirect to a server of another SPIFFE ID is refused with our code', async () => {
    let reached = false;
    using wrong = await openServer('wrong', (_request, response) => {
      reached = true;
      response.end();
    });
    using orders = await openServer('orders', (_request, response) => response.writeHead(302, { location: wrong.url }).end());
    expect(await failureOf(axios.get(orders.url, await config()))).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
    expect(reached).toBe(false);
  });

  it.each([
    ['the fetch adapter', { adapter: 'fetch' }, createServer],
    ['HTTP/2', { httpVersion: 2 }, createHttp2Server],
  ] as const)('%s goes past the agent, and fails: nobody out there vouches for our certificates', async (_what, change, create) => {
    let reached = false;
    const server = create({ source: await world.open('orders'), authorize: authorizeId(ids.web) }, () => {
      reached = true;
    });
    const url = `https://localhost:${await portOf(server)}/`;
    expect(codesOf(await failureOf(axios.get(url, { ...(await config()), ...change })))).toContain('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    expect(reached).toBe(false);
    server.close();
  });
});
