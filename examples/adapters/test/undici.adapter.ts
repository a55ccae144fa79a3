import { once } from 'node:events';
import type { Server } from 'node:net';
import { authorizeId, createServer } from 'ephemos';
import { createHttp2Server } from 'ephemos/http2';
import { createDispatcher, type DispatcherOptions, type EphemosDispatcher } from 'ephemos/undici';
import { request, WebSocket } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { describeClient } from './client.ts';
import { codesOf, failureOf, ids, openWorld, type World } from './world.ts';

const seen = `orders for ${ids.web}`;
describeClient({ file: 'undici.js', server: 'express.js', output: `undici: ${seen}\nglobal fetch: ${seen}\ncreateFetch: ${seen}\n` });

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

async function serverOptions() {
  return { source: await world.open('orders'), authorize: authorizeId(ids.web) };
}

async function openDispatcher(options: Partial<DispatcherOptions> = {}): Promise<EphemosDispatcher> {
  return createDispatcher({ source: await world.open('web'), authorize: authorizeId(ids.orders), ...options });
}

async function originOf(server: Server): Promise<string> {
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `https://localhost:${address.port}`;
}

/** How many HTTP/2 sessions so many requests at once take: the server answers when all of them are there. */
async function sessionsOf(requests: number, dispatcher: EphemosDispatcher): Promise<number> {
  const waiting = new Set<() => void>();
  const server = createHttp2Server(await serverOptions(), (_request, response) => {
    waiting.add(() => response.end());
    if (waiting.size === requests) for (const answer of waiting) answer();
  });
  let sessions = 0;
  server.on('session', () => {
    sessions += 1;
  });
  const origin = await originOf(server);
  await Promise.all(Array.from({ length: requests }, async () => (await request(origin, { dispatcher })).body.text()));
  await dispatcher.close();
  server.close();
  return sessions;
}

describe('what the README says of undici', () => {
  it('allowH2 alone takes a session for every request at once; pipelining puts them on one', async () => {
    expect(await sessionsOf(10, await openDispatcher({ allowH2: true }))).toBe(10);
    expect(await sessionsOf(10, await openDispatcher({ allowH2: true, pipelining: 100, connections: 1 }))).toBe(1);
  });

  it('allowH2 falls back to HTTP/1.1, and a server that speaks HTTP/2 alone needs it', async () => {
    const http1 = createServer(await serverOptions(), (incoming, response) => response.end(incoming.httpVersion));
    const origin1 = await originOf(http1);
    const http2 = createHttp2Server(await serverOptions(), (_request, response) => response.end());
    const origin2 = await originOf(http2);
    const offersBoth = await openDispatcher({ allowH2: true });
    const offersOne = await openDispatcher();
    expect(await (await request(origin1, { dispatcher: offersBoth })).body.text()).toBe('1.1');
    expect(codesOf(await failureOf(request(origin2, { dispatcher: offersOne })))).toContain('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
    await Promise.all([offersBoth.close(), offersOne.close()]);
    http1.close();
    http2.close();
  });

  it('the WebSocket of undici takes the dispatcher', async () => {
    const server = createServer(await serverOptions());
    new WebSocketServer({ server }).on('connection', (socket) => socket.send('hello'));
    const origin = await originOf(server);
    const dispatcher = await openDispatcher();
    const socket = new WebSocket(origin.replace('https', 'wss'), { dispatcher });
    const message = await new Promise((resolve, reject) => {
      socket.addEventListener('message', ({ data }) => resolve(data));
      socket.addEventListener('error', reject);
    });
    expect(message).toBe('hello');
    socket.close();
    await dispatcher.destroy();
    server.close();
    server.closeAllConnections();
  });
});
