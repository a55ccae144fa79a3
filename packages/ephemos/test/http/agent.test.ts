import { get, request } from 'node:https';
import { createServer as createNetServer, connect as netConnect, type Socket } from 'node:net';
import { createAgent, createServer, type EphemosServer, type Peer } from 'ephemos';
import { describe, expect, it } from 'vitest';
import { bounded, deferred, failureOf, next } from '../support/events.ts';
import { httpsCall } from '../support/https-call.ts';
import { type Listening, listening } from '../support/listening.ts';
import { leafOf, OPS, openTlsWorld, rotateAll, type TlsWorld, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';

interface Slow extends AsyncDisposable {
  readonly open: Listening<EphemosServer>;
  readonly served: string[];
  /** Resolves when this many requests have arrived. */
  arrived(count: number): Promise<void>;
  /** Answers what waits under this URL. */
  finish(url: string): void;
}

/** A server that answers /slow... when told to, and everything else at once. */
async function openSlow(world: TlsWorld): Promise<Slow> {
  const served: string[] = [];
  const waiting = new Map<string, () => void>();
  const server = createServer(world.server, (incoming, response) => {
    const url = String(incoming.url);
    served.push(url);
    const answer = (): void => void response.end(`answer to ${url}`);
    if (url.startsWith('/slow')) waiting.set(url, answer);
    else answer();
  });
  const open = await listening(server);
  return {
    open,
    served,
    async arrived(count) {
      while (served.length < count) await next(server, 'request');
    },
    finish: (url) => waiting.get(url)?.(),
    [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
  };
}

describe('createAgent keeps connections', () => {
  it('uses one again for the next request, and none when keepAlive is false', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    for (const keepAlive of [true, false]) {
      const agent = createAgent({ ...world.client, keepAlive });
      const reused: boolean[] = [];
      for (let round = 0; round < 3; round += 1) reused.push((await httpsCall(slow.open.origin, { agent })).reused);
      expect(reused).toEqual([false, keepAlive, keepAlive]);
      agent.destroy();
    }
  });

  it('tells them apart by host, port and server name, and puts no key or certificate into the name', async () => {
    await using world = await openTlsWorld();
    const agent = createAgent(world.client);
    const name = agent.getName({ host, port: 1, servername: 'orders' });
    expect(name).toBe('127.0.0.1:1::orders');
    expect(agent.getName({ host, port: 2, servername: 'orders' })).not.toBe(name);
    expect(agent.getName({ host, port: 1, servername: 'other' })).not.toBe(name);
    agent.destroy();
  });

  it('does not use one again that the server may close at any moment', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    slow.open.server.keepAliveTimeout = 1_000;
    const agent = createAgent(world.client);
    await httpsCall(slow.open.origin, { agent });
    expect(await httpsCall(slow.open.origin, { agent })).toMatchObject({ reused: false });
    agent.destroy();
  });

  it('gives an idle one up before the server does', async () => {
    await using world = await openTlsWorld();
    // It says that it waits for three seconds, and waits for a minute: whoever ends the connection, it is not the server.
    const patient = createServer(world.server, (_request, response) =>
      response.writeHead(200, { connection: 'keep-alive', 'keep-alive': 'timeout=3' }).end(),
    );
    patient.keepAliveTimeout = 60_000;
    await using open = await listening(patient);
    const agent = createAgent(world.client);
    await httpsCall(open.origin, { agent });
    const ends = [...open.accepted].map((socket) => next(socket, 'close'));
    expect(ends).toHaveLength(1);
    await Promise.all(ends);
    agent.destroy();
  });
});

describe('createAgent with maxSockets', () => {
  it('never has more connections than that, those on their way included', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    const agent = createAgent({ ...world.client, maxSockets: 2 });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => httpsCall(`${slow.open.origin}/${index}`, { agent })));
    expect(answers.map(({ body }) => body)).toEqual(answers.map((_, index) => `answer to /${index}`));
    expect(slow.open.accepted).toHaveLength(2);
    agent.destroy();
  });

  it('keeps to maxTotalSockets over all servers', async () => {
    await using world = await openTlsWorld();
    await using one = await openSlow(world);
    await using other = await openSlow(world);
    const agent = createAgent({ ...world.client, maxTotalSockets: 1 });
    const calls = [one, other, one, other].map(({ open }) => httpsCall(open.origin, { agent, headers: { connection: 'close' } }));
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    agent.destroy();
  });

  it('fails every request of the queue when no connection can be made, instead of keeping them waiting', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    const agent = createAgent({ ...world.client, authorize: () => false, maxSockets: 1 });
    const calls = Array.from({ length: 4 }, () => failureOf(httpsCall(slow.open.origin, { agent })));
    for (const error of await bounded(Promise.all(calls), 'the queue')) expect(error).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
    expect(slow.served).toHaveLength(0);
    agent.destroy();
  });

  it('spares a request that got a free connection while one was being made for it in vain', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    // The third connection goes nowhere.
    const fronts: Socket[] = [];
    const third = deferred<Socket>();
    const front = createNetServer((client) => {
      fronts.push(client.on('error', () => undefined));
      if (fronts.length === 3) return third.resolve(client.resume());
      const back = netConnect(slow.open.port, host).on('error', () => undefined);
      client.pipe(back).pipe(client);
    });
    await using outside = await listening(front);
    const agent = createAgent({ ...world.client, maxSockets: 2 });
    const first = httpsCall(`${outside.origin}/slow-1`, { agent });
    const second = failureOf(httpsCall(`${outside.origin}/slow-2`, { agent }));
    await slow.arrived(2);
    const queued = httpsCall(`${outside.origin}/queued`, { agent });
    // Its connection breaks, so one is made for the request in the queue.
    const broken = slow.served.indexOf('/slow-2');
    fronts[broken]?.destroy();
    await second;
    const attempt = await third.promise;
    slow.finish('/slow-1');
    expect(await first).toMatchObject({ body: 'answer to /slow-1' });
    attempt.destroy();
    expect(await queued).toMatchObject({ status: 200, body: 'answer to /queued' });
    agent.destroy();
  });
});

describe('createAgent gives up', () => {
  it('a request by its signal, before, during and after the connection', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    const agent = createAgent(world.client);
    const early = failureOf(httpsCall(slow.open.origin, { agent, signal: AbortSignal.abort() }));
    expect(await early).toMatchObject({ name: 'AbortError' });

    const stop = new AbortController();
    const answer = failureOf(httpsCall(`${slow.open.origin}/slow`, { agent, signal: stop.signal }));
    await slow.arrived(1);
    stop.abort();
    expect(await answer).toMatchObject({ name: 'AbortError' });

    await using silent = await listening(createNetServer((socket) => socket.resume().on('error', () => undefined)));
    const connecting = new AbortController();
    const attempt = failureOf(httpsCall(silent.origin, { agent, signal: connecting.signal }));
    const [accepted] = await next(silent.server, 'connection');
    connecting.abort();
    // At once, not after connectTimeout.
    expect(await bounded(attempt, 'the end of the attempt', 3_000)).toMatchObject({ name: 'AbortError' });
    for (const socket of silent.accepted) if (!socket.closed) await next(socket, 'close', 3_000);
    expect(accepted).toBe(silent.accepted[0]);
    agent.destroy();
  });

  it('a request by its timeout', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    const agent = createAgent(world.client);
    const sent = request(`${slow.open.origin}/slow`, { agent, timeout: 100 });
    sent.once('timeout', () => sent.destroy(new Error('too slow')));
    sent.end();
    expect(await failureOf(next(sent, 'response'))).toMatchObject({ message: 'too slow' });
    const later = await httpsCall(slow.open.origin, { agent });
    expect(later.status).toBe(200);
    agent.destroy();
  });

  it('everything when it is destroyed, and works again after that', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    const agent = createAgent({ ...world.client, withdrawalGrace: 0 });
    await httpsCall(slow.open.origin, { agent });
    const busy = failureOf(httpsCall(`${slow.open.origin}/slow`, { agent }));
    await slow.arrived(2);
    agent.destroy();
    expect(await busy).toMatchObject({ code: 'ECONNRESET' });
    for (const socket of slow.open.accepted) if (!socket.closed) await next(socket, 'close');
    expect(await httpsCall(slow.open.origin, { agent })).toMatchObject({ status: 200 });
    // What came after is watched over like everything else.
    await world.authority.withdraw(WEB);
    for (const socket of slow.open.accepted) if (!socket.closed) await next(socket, 'close');
    expect(await failureOf(httpsCall(slow.open.origin, { agent }))).toMatchObject({ code: 'ERR_IDENTITY_WITHDRAWN' });
    agent.destroy();
  });
});

describe('createAgent refuses', () => {
  it('a server that is not the one wanted, before a request is written', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    const agent = createAgent({ ...world.client, authorize: ({ id }) => id.toString() === OPS });
    const error = await failureOf(httpsCall(slow.open.origin, { agent, body: 'secret' }));
    expect(error).toMatchObject({ name: 'EphemosError', code: 'ERR_PEER_UNAUTHORIZED' });
    expect(slow.served).toHaveLength(0);
    agent.destroy();
  });

  it('passes on that nobody listens', async () => {
    await using world = await openTlsWorld();
    const gone = await listening(createNetServer());
    await gone[Symbol.asyncDispose]();
    const agent = createAgent(world.client);
    expect(await failureOf(httpsCall(gone.origin, { agent }))).toMatchObject({ code: 'ECONNREFUSED' });
    agent.destroy();
  });

  it('a server that the policy no longer admits: what is under way finishes, nothing new goes out', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    let admits = true;
    const agent = createAgent({ ...world.client, authorize: (_: Peer) => admits, maxSockets: 1 });
    const busy = httpsCall(`${slow.open.origin}/slow`, { agent });
    await slow.arrived(1);
    const queued = failureOf(httpsCall(`${slow.open.origin}/queued`, { agent }));
    admits = false;
    await agent.reauthorize();
    slow.finish('/slow');
    expect(await busy).toMatchObject({ body: 'answer to /slow' });
    expect(await queued).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
    expect(slow.served).toEqual(['/slow']);
    agent.destroy();
  });

  it('drops an idle connection to a server that the policy no longer admits, before another request can get it', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    const refused = new Set<string>();
    const agent = createAgent({ ...world.client, authorize: (peer) => !refused.has(leafOf(peer)) });
    const first = httpsCall(`${slow.open.origin}/slow-1`, { agent });
    await slow.arrived(1);
    await rotateAll(world, world.server.source);
    const second = httpsCall(`${slow.open.origin}/slow-2`, { agent });
    await slow.arrived(2);
    slow.finish('/slow-1');
    await first;
    slow.finish('/slow-2');
    await second;
    refused.add(leafOf(world.server.source.svid));
    await agent.reauthorize();
    // In the same turn: the socket that became idle last, so is next to be used, is destroyed but has not closed yet.
    expect(await httpsCall(slow.open.origin, { agent })).toMatchObject({ status: 200, reused: true });
    const left = slow.open.accepted[1];
    if (left !== undefined && !left.closed) await next(left, 'close');
    agent.destroy();
  });

  it('survives a reset of its first request after its own identity is gone', async () => {
    await using world = await openTlsWorld();
    await using slow = await openSlow(world);
    const agent = createAgent({ ...world.client, withdrawalGrace: 60_000 });
    const sent = get(`${slow.open.origin}/slow`, { agent });
    const failure = failureOf(next(sent, 'response'));
    await slow.arrived(1);
    await world.client.source.close();
    for (const socket of slow.open.accepted) socket.destroy();
    expect(await failure).toMatchObject({ code: 'ECONNRESET', cause: { hint: expect.stringContaining(WEB) } });
    agent.destroy();
  });
});
