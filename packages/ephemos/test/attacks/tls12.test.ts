// TLS 1.2 where it was asked for: ECDHE with an AEAD and nothing else, and no renegotiation on either side.
import { type ConnectionOptions, connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { authorizeId, createFetch, createServer } from 'ephemos';
import { peerOf, connect as spiffeConnect } from 'ephemos/tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bounded, deferred, failureOf, next } from '../support/events.ts';
import { type Listening, listening } from '../support/listening.ts';
import { type Credentials, ORDERS, openWorld, WEB, type World } from './identities.ts';
import { dial, tlsOptionsOf } from './wire.ts';

const TLS12: ConnectionOptions & { readonly maxVersion: 'TLSv1.2' } = { maxVersion: 'TLSv1.2' };

describe.each([
  { keyType: 'ec-p256', intermediate: false, auth: 'ECDSA' },
  { keyType: 'rsa-2048', intermediate: true, auth: 'RSA' },
] as const)('with $keyType keys', ({ keyType, intermediate, auth }) => {
  let world: World;
  let web: Credentials;
  let server: Listening<ReturnType<typeof createServer>>;
  let handled = 0;

  beforeAll(async () => {
    world = await openWorld({ intermediate, keyType });
    web = await world.authority.issueX509Svid(WEB);
    server = await listening(
      createServer({ source: await world.source(ORDERS), authorize: authorizeId(WEB), minVersion: 'TLSv1.2' }, (_request, response) => {
        handled += 1;
        response.end('served');
      }),
    );
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await world.close();
  });

  const use = (socket: TLSSocket): void => void socket.write('GET / HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n');

  it.each([`ECDHE-${auth}-AES128-GCM-SHA256`, `ECDHE-${auth}-AES256-GCM-SHA384`, `ECDHE-${auth}-CHACHA20-POLY1305`])(
    'the server takes %s',
    async (ciphers) => {
      let seen: string | undefined;
      const { received } = await dial(server.port, web, {
        ...TLS12,
        ciphers,
        use(socket) {
          seen = socket.getCipher().name;
          use(socket);
        },
      });
      expect([received.includes('served'), seen]).toEqual([true, ciphers]);
    },
  );

  it.each([
    ['CBC', `ECDHE-${auth}-AES128-SHA`],
    ['CBC with SHA-256', `ECDHE-${auth}-AES128-SHA256`],
    ['CBC with SHA-384', `ECDHE-${auth}-AES256-SHA384`],
    ['CCM', 'ECDHE-ECDSA-AES128-CCM'],
    ['RSA key exchange', 'AES128-GCM-SHA256'],
    ['RSA key exchange and CBC', 'AES256-SHA'],
    ['finite-field key exchange', 'DHE-RSA-AES128-GCM-SHA256'],
    ['no authentication', 'AECDH-AES128-SHA'],
    ['no encryption', `ECDHE-${auth}-NULL-SHA`],
    ['PSK', 'PSK-AES128-GCM-SHA256'],
  ])('the server refuses %s (%s)', async (_what, ciphers) => {
    const before = handled;
    const { secure, received } = await dial(server.port, web, { ...TLS12, ciphers: `${ciphers}:@SECLEVEL=0`, use });
    expect([secure, received, handled]).toEqual([false, '', before]);
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('the server refuses %s', async (version) => {
    const before = handled;
    const { secure } = await dial(server.port, web, { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0', use });
    expect([secure, handled]).toEqual([false, before]);
  });

  it.each([
    ['CBC', `ECDHE-${auth}-AES128-SHA`],
    ['RSA key exchange', auth === 'RSA' ? 'AES128-GCM-SHA256' : 'ECDHE-ECDSA-AES256-SHA'],
  ])('a client refuses a server that offers nothing but %s', async (_what, ciphers) => {
    let handshakes = 0;
    const stock = createTlsServer(
      { ...tlsOptionsOf(await world.authority.issueX509Svid(ORDERS)), maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` },
      () => {
        handshakes += 1;
      },
    );
    await using rogue = await listening(stock);
    const fetch = createFetch({ source: await world.source(WEB), authorize: authorizeId(ORDERS), minVersion: 'TLSv1.2' });
    expect(await failureOf(fetch(`${rogue.origin}/`))).toMatchObject({ cause: { code: expect.stringMatching(/^ERR_SSL_/) } });
    expect(handshakes).toBe(0);
    await fetch.close();
  });

  it('the server does not renegotiate', async () => {
    const before = handled;
    const socket = connect({ ...tlsOptionsOf(web), ...TLS12, host: '127.0.0.1', port: server.port, rejectUnauthorized: false });
    const asked = deferred<Error | null>();
    socket.on('error', (error: Error) => asked.resolve(error));
    await next(socket, 'secureConnect');
    socket.renegotiate({}, (error) => asked.resolve(error));
    expect(await bounded(asked.promise, 'no answer')).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
    socket.destroy();
    expect(handled).toBe(before);
  });

  it('a client does not renegotiate, and stays with the peer that was verified', async () => {
    const world12 = tlsOptionsOf(await world.authority.issueX509Svid(ORDERS));
    const asked = deferred<Error | null>();
    const stock = createTlsServer({ ...world12, requestCert: true, rejectUnauthorized: false, maxVersion: 'TLSv1.2' }, (socket) => {
      socket.on('error', (error: Error) => asked.resolve(error));
      socket.once('data', () => void socket.renegotiate({}, (error) => asked.resolve(error)));
    });
    await using rogue = await listening(stock);
    const socket = await spiffeConnect({
      source: await world.source(WEB),
      authorize: authorizeId(ORDERS),
      minVersion: 'TLSv1.2',
      host: '127.0.0.1',
      port: rogue.port,
    });
    const [peer, finished] = [peerOf(socket), socket.getFinished()];
    socket.on('error', () => undefined);
    socket.write('hello');
    socket.resume();
    expect(await bounded(asked.promise, 'no answer')).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
    // A second handshake would have ended in another Finished message.
    expect([socket.getFinished(), peerOf(socket)]).toEqual([finished, peer]);
    socket.destroy();
  });
});

it('TLS 1.2 is refused unless it was asked for, on both sides', async () => {
  const world = await openWorld({ intermediate: false });
  await using server = await listening(createServer({ source: await world.source(ORDERS), authorize: authorizeId(WEB) }));
  const { secure } = await dial(server.port, await world.authority.issueX509Svid(WEB), TLS12);
  expect(secure).toBe(false);
  await using stock = await listening(
    createTlsServer({ ...tlsOptionsOf(await world.authority.issueX509Svid(ORDERS)), maxVersion: 'TLSv1.2' }),
  );
  const fetch = createFetch({ source: await world.source(WEB), authorize: authorizeId(ORDERS) });
  expect(await failureOf(fetch(`${stock.origin}/`))).toMatchObject({ cause: { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' } });
  await fetch.close();
  await world.close();
});
