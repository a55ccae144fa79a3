// TLS sessions that an attacker kept: they are never resumed, by no version, on no side, and a withdrawal is not outlived by one.
import { type ConnectionOptions, connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { authorizeId, createFetch, createServer, type Peer, type X509Source } from 'ephemos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bounded, deferred, next } from '../support/events.ts';
import { type Listening, listening } from '../support/listening.ts';
import { type Credentials, ORDERS, openWorld, WEB, type World } from './identities.ts';
import { tlsOptionsOf } from './wire.ts';

const versions = [
  { version: 'TLSv1.3', chain: 'without an intermediate', intermediate: false },
  { version: 'TLSv1.3', chain: 'with an intermediate', intermediate: true },
  { version: 'TLSv1.2', chain: 'without an intermediate', intermediate: false },
  { version: 'TLSv1.2', chain: 'with an intermediate', intermediate: true },
] as const;

/** Makes one request; gives what was seen, and every session that the server handed out, the one of the handshake included. */
async function visit(
  port: number,
  credentials: Credentials | undefined,
  options: ConnectionOptions,
): Promise<{ readonly answer: string; readonly reused: boolean; readonly sessions: readonly Buffer[] }> {
  const socket = connect({ ...tlsOptionsOf(credentials), host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  const sessions: Buffer[] = [];
  let answer = '';
  let reused = false;
  socket.on('error', () => undefined);
  socket.on('session', (session: Buffer) => sessions.push(session));
  socket.on('data', (chunk: Buffer) => {
    answer += String(chunk);
  });
  socket.once('secureConnect', () => {
    reused = socket.isSessionReused();
    const session = socket.getSession();
    if (session !== undefined) sessions.push(session);
    socket.write('GET / HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n');
  });
  const closed = deferred();
  socket.once('close', () => closed.resolve());
  await bounded(closed.promise, 'no close');
  return { answer, reused, sessions };
}

describe.each(versions)('$version $chain: a session that was kept', ({ version, intermediate }) => {
  let world: World;
  let source: X509Source;
  let server: Listening<ReturnType<typeof createServer>>;
  let handled = 0;
  let admitted = new Set([WEB]);
  const kept: ConnectionOptions = { minVersion: version, maxVersion: version };

  beforeAll(async () => {
    world = await openWorld({ intermediate });
    source = await world.authority.openX509Source(ORDERS);
    const authorize = ({ id }: Peer): boolean => admitted.has(id.toString());
    server = await listening(
      createServer({ source, authorize, minVersion: 'TLSv1.2' }, (_request, response) => {
        handled += 1;
        response.end('served');
      }),
    );
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await source.close();
    await world.close();
  });

  it('is not resumed: the handshake is a full one', async () => {
    const credentials = await world.authority.issueX509Svid(WEB);
    const first = await visit(server.port, credentials, kept);
    expect([first.answer.includes('served'), first.sessions.length > 0]).toEqual([true, true]);
    for (const session of first.sessions) {
      const again = await visit(server.port, credentials, { ...kept, session });
      expect([again.answer.includes('served'), again.reused]).toEqual([true, false]);
    }
  });

  it('does not replace a certificate', async () => {
    const { sessions } = await visit(server.port, await world.authority.issueX509Svid(WEB), kept);
    const before = handled;
    for (const session of sessions) expect((await visit(server.port, undefined, { ...kept, session })).answer).toBe('');
    expect(handled).toBe(before);
    expect(server.refusals.at(-1)?.code).toBe('ERR_PEER_CERTIFICATE_MISSING');
  });

  it('does not outlive the policy that admitted it', async () => {
    const credentials = await world.authority.issueX509Svid(WEB);
    const { sessions } = await visit(server.port, credentials, kept);
    admitted = new Set();
    const before = handled;
    for (const session of sessions) expect((await visit(server.port, credentials, { ...kept, session })).answer).toBe('');
    expect(handled).toBe(before);
    expect(server.refusals.at(-1)?.code).toBe('ERR_PEER_UNAUTHORIZED');
    admitted = new Set([WEB]);
  });

  it('does not outlive the authority that vouched for it', async () => {
    const credentials = await world.authority.issueX509Svid(WEB);
    const { sessions } = await visit(server.port, credentials, kept);
    const before = source.bundles;
    const changed = new Promise<void>((resolve) => {
      const stop = source.subscribe(() => {
        if (source.bundles === before) return;
        stop();
        resolve();
      });
    });
    await world.authority.rotateAuthority({ overlap: false });
    await bounded(changed, 'no new bundle');
    const served = handled;
    for (const session of sessions) expect((await visit(server.port, credentials, { ...kept, session })).answer).toBe('');
    expect(handled).toBe(served);
    expect(server.refusals.at(-1)?.code).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });

  it('is not even offered: there is no ticket', async () => {
    const credentials = await world.authority.issueX509Svid(WEB);
    const socket = connect({ ...tlsOptionsOf(credentials), host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ...kept });
    await next(socket, 'secureConnect');
    // A ticket of TLS 1.2; in TLS 1.3 what a server without tickets hands out is the name of a session that it does not keep.
    expect(socket.getTLSTicket()).toBeUndefined();
    socket.destroy();
  });
});

describe('a server whose owner turned session storage on', () => {
  it('refuses a session that was resumed: ERR_PEER_SESSION_RESUMED', async () => {
    const world = await openWorld({ intermediate: false });
    let handled = 0;
    const inner = createServer(
      { source: await world.source(ORDERS), authorize: authorizeId(WEB), minVersion: 'TLSv1.2' },
      (_request, response) => {
        handled += 1;
        response.end('served');
      },
    );
    const store = new Map<string, Buffer>();
    inner.on('newSession', (id: Buffer, session: Buffer, done: () => void) => {
      store.set(id.toString('hex'), session);
      done();
    });
    inner.on('resumeSession', (id: Buffer, done: (error: null, session: Buffer | null) => void) =>
      done(null, store.get(id.toString('hex')) ?? null),
    );
    const server = await listening(inner);
    const credentials = await world.authority.issueX509Svid(WEB);
    const kept: ConnectionOptions = { maxVersion: 'TLSv1.2' };
    const first = await visit(server.port, credentials, kept);
    expect(first.answer).toContain('served');
    const again = await visit(server.port, credentials, { ...kept, session: first.sessions.at(-1) });
    // It was resumed as far as OpenSSL is concerned, so the gate had to look.
    expect([again.reused, again.answer, handled]).toEqual([true, '', 1]);
    expect(server.refusals.map(({ code }) => code)).toEqual(['ERR_PEER_SESSION_RESUMED']);
    await server[Symbol.asyncDispose]();
    await world.close();
  });
});

describe.each(['TLSv1.3', 'TLSv1.2'] as const)('our clients, %s,', (version) => {
  it('never present a session, whatever a server hands out', async () => {
    const world = await openWorld({ intermediate: false });
    const reused: boolean[] = [];
    const stock = createTlsServer(
      {
        ...tlsOptionsOf(await world.authority.issueX509Svid(ORDERS)),
        requestCert: true,
        rejectUnauthorized: false,
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ['http/1.1'],
      },
      (socket: TLSSocket) => {
        reused.push(socket.isSessionReused());
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'));
      },
    );
    await using server = await listening(stock);
    const fetch = createFetch({ source: await world.source(WEB), authorize: authorizeId(ORDERS), minVersion: 'TLSv1.2' });
    for (let visits = 0; visits < 3; visits++) expect((await fetch(`${server.origin}/`)).status).toBe(200);
    expect(reused).toEqual([false, false, false]);
    await fetch.close();
    await world.close();
  });
});
