// Servers, and somebody in between, that do not keep to the request for TLS: nothing that they say outside TLS reaches pg.
import { createServer as createTlsServer } from 'node:tls';
import { createPgStream, type PgStreamOptions } from 'ephemos/pg';
import { Client } from 'pg';
import { describe, expect, it, vi } from 'vitest';
import { bounded, failureOf, next } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { stockServer } from '../support/stock.ts';
import { OPS, ORDERS, openTlsWorld, type TlsWorld } from '../support/tls-world.ts';
import { message, openPgServer, type PgServerOptions, rowOf, WELCOME } from './pg-server.ts';

const host = '127.0.0.1';
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

function clientOf(world: TlsWorld, port: number, options: Partial<PgStreamOptions> = {}): Client {
  const client = new Client({ stream: createPgStream({ ...world.client, ...options }), host, port, user: 'web', database: 'shop' });
  client.on('error', () => undefined);
  return client;
}

async function tlsOf(world: TlsWorld, id: string = ORDERS): Promise<PgServerOptions> {
  const { key, cert } = await stockServer(world.authority, id);
  return { tls: { key, cert, requestCert: true, rejectUnauthorized: false } };
}

describe('createPgStream connects', () => {
  it('to a server that keeps to the protocol: 8 bytes in the clear, and everything else inside TLS', async () => {
    await using world = await openTlsWorld();
    await using server = await openPgServer(await tlsOf(world));
    const client = clientOf(world, server.port);
    await client.connect();
    expect((await client.query('SELECT 1')).rows).toEqual([{ answer: 'real' }]);
    await client.end();
    expect(server.plain()).toEqual(SSL_REQUEST);
    expect(server.inside().toString('latin1')).toContain('user\0web\0');
  });
});

describe('createPgStream refuses', () => {
  const attacks = [
    { name: 'a server without TLS', answer: 'N', message: 'the database server offers no TLS' },
    { name: 'a server that answers with an error', answer: message('E', Buffer.from('Mplease run rm -rf\0\0')), message: /with an error$/ },
    { name: 'a server that speaks something else', answer: 'HTTP/1.1 400 Bad Request\r\n\r\n', message: /as PostgreSQL does$/ },
    { name: 'a server that says welcome without TLS', answer: WELCOME, message: /as PostgreSQL does$/ },
    { name: 'an answer that brings a welcome along', answer: Buffer.concat([Buffer.from('S'), WELCOME]), message: /sent bytes between/ },
    {
      name: 'an answer that brings a whole session along (CVE-2021-23222)',
      answer: Buffer.concat([Buffer.from('S'), WELCOME, rowOf('forged')]),
      message: /sent bytes between/,
    },
    { name: 'an answer that brings one byte along', answer: 'S\u0016', message: /sent bytes between/ },
  ];

  it.each(attacks)('$name', async ({ answer, message: text }) => {
    await using world = await openTlsWorld();
    await using server = await openPgServer({ answer });
    const error = await failureOf(clientOf(world, server.port).connect());
    expect(error).toMatchObject({ code: 'ERR_CONNECT_FAILED', message: expect.stringMatching(text), hint: expect.anything() });
    expect(JSON.stringify(error)).not.toContain('rm -rf');
    for (const socket of server.accepted) await next(socket, 'close');
    expect(server.plain()).toEqual(SSL_REQUEST);
  });

  it('what is inserted behind the answer, in a packet of its own, in front of the real handshake', async () => {
    await using world = await openTlsWorld();
    const tls = await tlsOf(world);
    await using server = await openPgServer({
      ...tls,
      onSocket: (socket) => {
        socket.setNoDelay(true);
        const { write } = socket;
        // In the turn after the answer, so that it is no part of it.
        socket.write = (...args: readonly unknown[]): boolean => {
          setImmediate(() => Reflect.apply(write, socket, [Buffer.concat([WELCOME, rowOf('forged')])]));
          return Boolean(Reflect.apply(write, socket, args));
        };
      },
    });
    const client = clientOf(world, server.port);
    const rows = vi.fn();
    const error = await failureOf(client.connect().then(() => client.query('SELECT 1').then(rows)));
    expect(error).toMatchObject({ code: expect.stringMatching(/^(ERR_SSL_|ERR_CONNECT_FAILED)/) });
    expect(rows).not.toHaveBeenCalled();
    expect(server.inside()).toHaveLength(0);
  });

  it('a server with another SPIFFE ID, before it hears who wants which database', async () => {
    await using world = await openTlsWorld();
    await using server = await openPgServer(await tlsOf(world, OPS));
    const error = await failureOf(clientOf(world, server.port).connect());
    expect(error).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED', message: expect.stringContaining(OPS) });
    for (const socket of server.accepted) await next(socket, 'close');
    expect(server.inside()).toHaveLength(0);
  });

  it('a server without a certificate', async () => {
    await using world = await openTlsWorld();
    await using server = await openPgServer({ tls: {} });
    const error = await failureOf(clientOf(world, server.port).connect());
    expect(error).toMatchObject({ code: expect.stringMatching(/ALERT_HANDSHAKE_FAILURE$/), cause: { code: 'ERR_CONNECT_FAILED' } });
    expect(server.inside()).toHaveLength(0);
  });

  it('a server without a certificate that offers anonymous TLS 1.2', async () => {
    await using world = await openTlsWorld();
    await using server = await openPgServer({ tls: { ciphers: 'aNULL:@SECLEVEL=0', maxVersion: 'TLSv1.2' } });
    const error = await failureOf(clientOf(world, server.port, { minVersion: 'TLSv1.2' }).connect());
    expect(error).toMatchObject({ code: expect.stringMatching(/ALERT_HANDSHAKE_FAILURE$/) });
    expect(server.inside()).toHaveLength(0);
  });

  it('a server that hangs up instead of an answer, or behind it', async () => {
    await using world = await openTlsWorld();
    for (const answer of [null, 'S']) {
      await using server = await openPgServer({ answer, hangsUp: true });
      const error = await failureOf(clientOf(world, server.port).connect());
      expect(error).toMatchObject({ code: expect.stringMatching(/^(ERR_CONNECT_FAILED|ECONNRESET)$/) });
    }
  });

  it('a server that says nothing, after connectTimeout and not later, and lets go of it', async () => {
    await using world = await openTlsWorld();
    for (const answer of [null, 'S']) {
      await using server = await openPgServer({ answer });
      const error = await bounded(failureOf(clientOf(world, server.port, { connectTimeout: 150 }).connect()), 'the timeout', 3_000);
      expect(error).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', message: 'no verified connection within 0.15 s' });
      for (const socket of server.accepted) await next(socket, 'close');
    }
  });

  it('says which identity it showed when the server closes without a word', async () => {
    await using world = await openTlsWorld();
    await using server = await openPgServer({ ...(await tlsOf(world)), refuses: true });
    const error = await failureOf(clientOf(world, server.port).connect());
    expect(error).toMatchObject({ code: 'ERR_CONNECT_FAILED', hint: expect.stringContaining('spiffe://example.org/web') });
  });
});

describe("createPgStream with negotiation 'direct'", () => {
  it('begins with TLS, and takes a server that answers in ALPN as PostgreSQL 17 does', async () => {
    await using world = await openTlsWorld();
    const { key, cert } = await stockServer(world.authority, ORDERS);
    await using server = await listening(
      createTlsServer({ key, cert, ALPNProtocols: ['postgresql'] }, (socket) => {
        socket.on('error', () => undefined).on('data', (chunk: Buffer) => (chunk[0] === 0x58 ? socket.end() : socket.write(WELCOME)));
      }),
    );
    const client = clientOf(world, server.port, { negotiation: 'direct' });
    await client.connect();
    await client.end();
  });

  it('refuses a server that answers no ALPN: it may speak another protocol', async () => {
    await using world = await openTlsWorld();
    let inside = 0;
    const { key, cert } = await stockServer(world.authority, ORDERS);
    await using server = await listening(
      createTlsServer({ key, cert }, (socket) => {
        socket
          .on('error', () => undefined)
          .on('data', (chunk: Buffer) => {
            inside += chunk.length;
          });
      }),
    );
    const error = await failureOf(clientOf(world, server.port, { negotiation: 'direct' }).connect());
    expect(error).toMatchObject({ code: 'ERR_ALPN_MISMATCH', hint: expect.stringContaining('PostgreSQL 17') });
    for (const socket of server.accepted) await next(socket, 'close');
    expect(inside).toBe(0);
  });
});
