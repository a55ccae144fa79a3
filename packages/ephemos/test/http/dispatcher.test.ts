import type { ServerHttp2Session } from 'node:http2';
import { createServer as createNetServer } from 'node:net';
import { Writable } from 'node:stream';
import { createServer, type EphemosServer, peerOf } from 'ephemos';
import { createHttp2Server, type EphemosHttp2Server } from 'ephemos/http2';
import { createDispatcher } from 'ephemos/undici';
import { request, fetch as undiciFetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bounded, deferred, failureOf, next } from '../support/events.ts';
import { type Listening, listening } from '../support/listening.ts';
import { OPS, ORDERS, openTlsWorld, type TlsWorld, untilSource, WEB } from '../support/tls-world.ts';

let world: TlsWorld;
let http1: Listening<EphemosServer>;
let http2: Listening<EphemosHttp2Server>;
beforeAll(async () => {
  world = await openTlsWorld({ intermediate: true });
  http1 = await listening(
    createServer(world.server, (incoming, response) => response.end(`${incoming.httpVersion} ${peerOf(incoming).id}`)),
  );
  const h2 = createHttp2Server(world.server, (incoming, response) => response.end(`${incoming.httpVersion} ${peerOf(incoming).id}`));
  http2 = await listening(h2);
});
afterAll(async () => {
  await http1[Symbol.asyncDispose]();
  await http2[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

describe('createDispatcher', () => {
  it('serves request, stream and fetch of undici', async () => {
    const dispatcher = createDispatcher(world.client);
    expect(await (await request(http1.origin, { dispatcher })).body.text()).toBe(`1.1 ${WEB}`);
    expect(await (await undiciFetch(http1.origin, { dispatcher })).text()).toBe(`1.1 ${WEB}`);
    let streamed = '';
    const collect = (): Writable =>
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          streamed += String(chunk);
          done();
        },
      });
    await dispatcher.stream({ origin: http1.origin, path: '/', method: 'GET' }, collect);
    expect(streamed).toBe(`1.1 ${WEB}`);
    await dispatcher.close();
  });

  it('speaks HTTP/2 with allowH2 where the server does, and HTTP/1.1 elsewhere', async () => {
    const dispatcher = createDispatcher({ ...world.client, allowH2: true });
    expect(await (await request(http2.origin, { dispatcher })).body.text()).toBe(`2.0 ${WEB}`);
    expect(await (await request(http1.origin, { dispatcher })).body.text()).toBe(`1.1 ${WEB}`);
    await dispatcher.close();
  });

  it('does not offer HTTP/2 without allowH2', async () => {
    const dispatcher = createDispatcher(world.client);
    expect(await failureOf(request(http2.origin, { dispatcher }))).toMatchObject({
      code: expect.stringMatching(/NO_APPLICATION_PROTOCOL/),
    });
    await dispatcher.close();
  });

  it('passes the options of the pool on', async () => {
    await using server = await listening(createServer(world.server, (_request, response) => response.end('ok')));
    const dispatcher = createDispatcher({ ...world.client, connections: 2 });
    await Promise.all(Array.from({ length: 10 }, async () => (await request(server.origin, { dispatcher })).body.text()));
    expect(server.accepted).toHaveLength(2);
    await dispatcher.close();
  });

  it('refuses http and servers that are not authorized, with our error itself', async () => {
    const dispatcher = createDispatcher({ ...world.client, authorize: ({ id }) => id.toString() === OPS });
    expect(await failureOf(request('http://127.0.0.1:1/', { dispatcher }))).toMatchObject({ code: 'ERR_URL_NOT_HTTPS' });
    expect(await failureOf(request(http1.origin, { dispatcher }))).toMatchObject({ name: 'EphemosError', code: 'ERR_PEER_UNAUTHORIZED' });
    await dispatcher.destroy();
  });

  it('closes in order: what is under way finishes, what comes after fails as undici says', async () => {
    const slow = deferred();
    const server = createServer(world.server, async (_request, response) => {
      await slow.promise;
      response.end('finished');
    });
    await using open = await listening(server);
    const dispatcher = createDispatcher(world.client);
    const answer = request(open.origin, { dispatcher });
    await next(server, 'request');
    const closing = dispatcher.close();
    expect(await failureOf(request(open.origin, { dispatcher }))).toMatchObject({ name: 'ClientClosedError' });
    expect(await failureOf(request(http1.origin, { dispatcher }))).toMatchObject({ name: 'ClientClosedError' });
    slow.resolve();
    expect(await (await answer).body.text()).toBe('finished');
    await closing;
    await dispatcher.close();
    expect(await failureOf(request(open.origin, { dispatcher }))).toMatchObject({ name: 'ClientClosedError' });
    for (const socket of open.accepted) if (!socket.closed) await next(socket, 'close');
  });

  it('calls back when it is closed or destroyed', async () => {
    for (const end of ['close', 'destroy'] as const) {
      const dispatcher = createDispatcher(world.client);
      await (await request(http1.origin, { dispatcher })).body.text();
      await bounded(new Promise<void>((resolve) => dispatcher[end](resolve)), end);
    }
  });

  it('ends everything when it is destroyed, attempts to connect included', async () => {
    await using silent = await listening(createNetServer((socket) => socket.resume().on('error', () => undefined)));
    const server = createServer(world.server, () => undefined);
    await using hanging = await listening(server);
    const dispatcher = createDispatcher(world.client);
    const connecting = failureOf(request(silent.origin, { dispatcher }));
    await next(silent.server, 'connection');
    const waiting = failureOf(request(hanging.origin, { dispatcher }));
    await next(server, 'request');
    const reason = new Error('shutting down');
    await bounded(dispatcher.destroy(reason), 'destroy');
    expect(await waiting).toBe(reason);
    await bounded(connecting, 'the attempt');
    for (const socket of [...silent.accepted, ...hanging.accepted]) if (!socket.closed) await next(socket, 'close', 3_000);
  });

  it('loses a request, and nothing more, with an HTTP/2 connection that is cut or whose identity is withdrawn', async () => {
    for (const how of ['withdrawn here', 'withdrawn there', 'cut', 'goodbye and cut'] as const) {
      await using own = await openTlsWorld();
      const server = createHttp2Server({ ...own.server, withdrawalGrace: 0 }, (incoming, response) => {
        if (incoming.url !== '/hang') response.end('ok');
      });
      const sessions: ServerHttp2Session[] = [];
      server.on('session', (session) => sessions.push(session));
      await using open = await listening(server);
      const dispatcher = createDispatcher({ ...own.client, allowH2: true, withdrawalGrace: 0 });
      const hanging = failureOf(request(`${open.origin}/hang`, { dispatcher }));
      await next(server, 'request');
      const id = how === 'withdrawn here' ? WEB : ORDERS;
      if (how.startsWith('withdrawn')) await own.authority.withdraw(id);
      if (how === 'goodbye and cut') sessions[0]?.close();
      if (how.endsWith('cut')) open.accepted[0]?.destroy();
      expect(await bounded(hanging, how)).toBeInstanceOf(Error);
      for (const socket of open.accepted) await next(socket, 'close');
      await own.authority.restore(id);
      for (const { source } of [own.client, own.server]) await untilSource(source, () => source.health.state === 'ready');
      expect(await (await request(open.origin, { dispatcher })).body.text()).toBe('ok');
      await dispatcher.destroy();
    }
  });

  it('keeps a bound number of origins and lets go of the oldest', { timeout: 30_000 }, async () => {
    await using server = await listening(createServer(world.server, (_request, response) => response.end('ok')));
    const closed = await listening(createNetServer());
    await closed[Symbol.asyncDispose]();
    const dispatcher = createDispatcher(world.client);
    await (await request(server.origin, { dispatcher })).body.text();
    const gone = next(server.accepted[0] ?? server.server, 'close', 25_000);
    // Different origins to undici, all of them on a port where nobody listens.
    for (let index = 0; index < 1_024; index += 1) {
      const dispatched = dispatcher.request({ origin: `https://o${index}@127.0.0.1:${closed.port}`, path: '/', method: 'GET' });
      expect(await failureOf(dispatched)).toMatchObject({ code: 'ECONNREFUSED' });
    }
    await gone;
    await dispatcher.destroy();
  });
});
