// What tls/withdrawal.test.ts says of raw sockets, for everything that is built on them.
import { connect as http2Connect } from 'node:http2';
import { connect } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { readUntil } from '../support/bytes.ts';
import { echoCallers, echoServers } from '../support/echo-callers.ts';
import { causesOf, failureOf, next } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { ORDERS, openTlsWorld, untilSource, WEB } from '../support/tls-world.ts';

const GRACE_MS = 500;
const LATE_MS = 2_500;
const host = '127.0.0.1';

describe.concurrent.each(Object.entries(echoCallers))('%s', (_, { protocol, open }) => {
  it('ends its connections within withdrawalGrace, says why it makes no new ones, and works again when the identity is back', async () => {
    await using world = await openTlsWorld();
    await using server = await listening(echoServers[protocol](world.server));
    const caller = open(server.port, { ...world.client, withdrawalGrace: GRACE_MS });
    expect(await caller.call('before')).toBe('before');
    const started = performance.now();
    const { source } = world.client;
    await world.authority.withdraw(WEB);
    await untilSource(source, () => source.health.state === 'withdrawn');
    for (const socket of server.accepted) if (!socket.closed) await next(socket, 'close');
    expect(performance.now() - started).toBeLessThan(GRACE_MS + LATE_MS);
    const error = await failureOf(caller.call('withdrawn'));
    expect([...causesOf(error), String(error)].join(' ')).toContain('ERR_IDENTITY_WITHDRAWN');
    await world.authority.restore(WEB);
    await untilSource(source, () => source.health.state === 'ready');
    await ready(() => caller.call('after'));
    await caller.close();
  });

  it('against a server whose identity is withdrawn: the connection ends, the next call fails, and the one after it came back succeeds', async () => {
    await using world = await openTlsWorld();
    await using server = await listening(echoServers[protocol]({ ...world.server, withdrawalGrace: GRACE_MS }));
    const caller = open(server.port, world.client);
    expect(await caller.call('before')).toBe('before');
    const started = performance.now();
    const { source } = world.server;
    await world.authority.withdraw(ORDERS);
    await untilSource(source, () => source.health.state === 'withdrawn');
    for (const socket of server.accepted) if (!socket.closed) await next(socket, 'close');
    expect(performance.now() - started).toBeLessThan(GRACE_MS + LATE_MS);
    expect(await failureOf(caller.call('withdrawn'))).toBeInstanceOf(Error);
    await world.authority.restore(ORDERS);
    await untilSource(source, () => source.health.state === 'ready');
    await ready(() => caller.call('after'));
    await caller.close();
  });
});

/** gRPC channels wait before they connect again: the call is repeated until it succeeds. */
async function ready(call: () => Promise<string>): Promise<void> {
  const deadline = performance.now() + 8_000;
  for (;;) {
    const outcome = await call().catch((error: unknown) => error);
    if (outcome === 'after') return;
    if (performance.now() > deadline) throw outcome;
  }
}

describe.concurrent('a server whose identity is withdrawn', () => {
  it('tells HTTP/1 clients with Connection: close', async () => {
    await using world = await openTlsWorld();
    await using server = await listening(echoServers.http1({ ...world.server, withdrawalGrace: 1_000 }));
    const socket = await connect({ ...world.client, host, port: server.port, protocols: ['http/1.1'] });
    const request = 'GET / HTTP/1.1\r\nHost: orders\r\n\r\n';
    socket.write(request);
    await readUntil(socket, '\r\n\r\n');
    await world.authority.withdraw(ORDERS);
    await untilSource(world.server.source, () => world.server.source.health.state === 'withdrawn');
    const answers: string[] = [];
    const closing = next(
      socket.on('error', () => undefined),
      'close',
    );
    while (!socket.destroyed && !answers.at(-1)?.includes('onnection: close')) {
      socket.write(request);
      answers.push(await readUntil(socket, '\r\n\r\n'));
    }
    expect(answers.at(-1)).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close\r\n/);
    await closing;
  });

  it('tells HTTP/2 and gRPC clients with GOAWAY', async () => {
    await using world = await openTlsWorld();
    for (const protocol of ['http2', 'grpc'] as const) {
      await using server = await listening(echoServers[protocol]({ ...world.server, withdrawalGrace: 800 }));
      const socket = await connect({ ...world.client, host, port: server.port, protocols: ['h2'] });
      const session = http2Connect(server.origin, { createConnection: () => socket });
      await next(session, 'remoteSettings');
      const goodbye = next(session, 'goaway');
      await world.authority.withdraw(ORDERS);
      expect((await goodbye)[0]).toBe(0);
      session.destroy();
      await world.authority.restore(ORDERS);
      await untilSource(world.server.source, () => world.server.source.health.state === 'ready');
    }
  });
});
