import { connect as netConnect } from 'node:net';
import { createServer } from 'ephemos';
import { connect } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { next } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { openTlsWorld } from '../support/tls-world.ts';

/** The first bytes of a TLS record that says it is long. */
const beginning = Buffer.from([0x16, 3, 1, 0x40, 0]);

describe('a handshake that does not end', () => {
  it('frees its place after handshakeTimeout when it says nothing', async () => {
    await using world = await openTlsWorld();
    await using server = await listening(createServer({ ...world.server, handshakeTimeout: 200 }));
    const started = performance.now();
    const idle = Array.from({ length: 20 }, () => netConnect(server.port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(idle.map((socket) => next(socket.resume(), 'close')));
    expect(performance.now() - started).toBeGreaterThan(150);
    expect(server.accepted.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('frees its place in the same time when it drips bytes, and others are served meanwhile', async () => {
    await using world = await openTlsWorld();
    await using server = await listening(createServer({ ...world.server, handshakeTimeout: 400 }));
    const slow = netConnect(server.port, '127.0.0.1', () => slow.write(beginning)).on('error', () => undefined);
    // Each drip would start the timeout of Node anew.
    const drip = setInterval(() => slow.write('x'), 100);
    const closed = next(slow.resume(), 'close', 3_000);
    const other = await connect({ ...world.client, host: '127.0.0.1', port: server.port, protocols: ['http/1.1'] });
    other.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    server.server.on('request', (_request, response) => response.end());
    await next(other, 'data');
    other.destroy();
    await closed;
    clearInterval(drip);
  });

  it('leaves a connection alone that was quick', async () => {
    await using world = await openTlsWorld();
    await using server = await listening(
      createServer({ ...world.server, handshakeTimeout: 200 }, (_request, response) => response.end('ok')),
    );
    const quick = await connect({ ...world.client, host: '127.0.0.1', port: server.port, protocols: ['http/1.1'] });
    // The timeout passes for a connection that came later: then it has passed for this one too.
    await next(
      netConnect(server.port, '127.0.0.1')
        .on('error', () => undefined)
        .resume(),
      'close',
    );
    quick.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(String((await next(quick, 'data'))[0])).toMatch(/^HTTP\/1\.1 200/);
    quick.destroy();
  });
});
