import { createServer as createTlsServer } from 'node:tls';
import { authorizeAny, authorizeId, createServer } from 'ephemos';
import { type InspectOptions, inspectUnadmittedPeer } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { pem, stockCertificate } from '../support/stock.ts';
import { OPS, ORDERS, openTlsWorld, type TlsWorld } from '../support/tls-world.ts';

const host = '127.0.0.1';

function options({ client: { source, authorize } }: TlsWorld, port: number): InspectOptions {
  return { host, port, svid: source.svid, bundles: source.bundles, authorize };
}

describe('inspectUnadmittedPeer', () => {
  it('shows a peer that would be talked to, and writes nothing to it', async () => {
    await using world = await openTlsWorld({ intermediate: true });
    await using server = await listening(createServer(world.server));
    const seen: unknown[] = [];
    server.server.on('request', (request) => seen.push(request));
    const inspection = await inspectUnadmittedPeer({ ...options(world, server.port), patience: 200 });
    expect(inspection).toMatchObject({ refusal: undefined, reception: 'silent', closeError: undefined, tlsVersion: 'TLSv1.3' });
    expect(String(inspection.peer?.id)).toBe(ORDERS);
    expect(inspection.chain).toHaveLength(2);
    expect(Object.keys(inspection)).not.toContain('socket');
    expect(seen).toEqual([]);
  });

  it('shows the chain of a peer that is refused, verified or not', async () => {
    await using world = await openTlsWorld();
    await using foreign = await openTlsWorld();
    await using server = await listening(createServer(world.server));
    const unauthorized = await inspectUnadmittedPeer({ ...options(world, server.port), authorize: authorizeId(OPS) });
    expect(unauthorized).toMatchObject({ refusal: { code: 'ERR_PEER_UNAUTHORIZED' }, peer: { chain: unauthorized.chain } });
    expect(unauthorized.chain).toHaveLength(1);
    const unknown = await inspectUnadmittedPeer({ ...options(foreign, server.port), authorize: authorizeAny() });
    expect(unknown).toMatchObject({ refusal: { code: 'ERR_PEER_AUTHORITY_UNKNOWN' }, peer: undefined });
    expect(unknown.chain).toHaveLength(1);
  });

  it('tells a peer that closes on us from one that answers', async () => {
    await using world = await openTlsWorld();
    await using closes = await listening(createServer({ ...world.server, authorize: authorizeId(OPS) }));
    expect(await inspectUnadmittedPeer(options(world, closes.port))).toMatchObject({ reception: 'closed', refusal: undefined });
    const certificate = await stockCertificate(world.authority, ORDERS);
    await using answers = await listening(
      createTlsServer(certificate, (socket) => socket.on('error', () => undefined).write('220 hello\r\n')),
    );
    expect(await inspectUnadmittedPeer(options(world, answers.port))).toMatchObject({ reception: 'answered', refusal: undefined });
  });

  it('looks at no more certificates than a chain may have, and at a self-signed one once', async () => {
    await using world = await openTlsWorld();
    const { key, cert } = await stockCertificate(world.authority, ORDERS);
    const root = await world.authority.root();
    const junk = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        world.authority.issueCertificate({ subject: `CN=junk ${index}`, basicConstraints: { ca: true }, issuer: 'self' }),
      ),
    );
    const many = [cert, ...junk.map(({ der }) => pem('CERTIFICATE', der))].join('');
    await using crowd = await listening(createTlsServer({ key, cert: many }, (socket) => socket.on('error', () => undefined)));
    expect((await inspectUnadmittedPeer(options(world, crowd.port))).chain.length).toBeLessThanOrEqual(17);
    const own = { key: pem('PRIVATE KEY', root.privateKey), cert: pem('CERTIFICATE', root.der) };
    await using selfSigned = await listening(createTlsServer(own, (socket) => socket.on('error', () => undefined)));
    const inspection = await inspectUnadmittedPeer(options(world, selfSigned.port));
    expect(inspection.chain).toHaveLength(1);
    expect(inspection.refusal?.code).toMatch(/^ERR_PEER_/);
  });

  it('refuses a peer without h2 when h2 is what is wanted first, as the connector does', async () => {
    await using world = await openTlsWorld();
    const certificate = await stockCertificate(world.authority, ORDERS);
    await using server = await listening(createTlsServer(certificate, (socket) => socket.on('error', () => undefined)));
    const inspect = (protocols: readonly string[]) => inspectUnadmittedPeer({ ...options(world, server.port), protocols, patience: 0 });
    expect(await inspect(['h2'])).toMatchObject({ refusal: { code: 'ERR_ALPN_MISMATCH' }, protocol: undefined });
    expect(await inspect(['http/1.1'])).toMatchObject({ refusal: undefined });
  });

  it('passes on what the system says when there is no handshake, and refuses options that make none', async () => {
    await using world = await openTlsWorld();
    const server = await listening(createServer(world.server));
    await server[Symbol.asyncDispose]();
    expect(await failureOf(inspectUnadmittedPeer(options(world, server.port)))).toMatchObject({ code: 'ECONNREFUSED' });
    expect(await failureOf(inspectUnadmittedPeer({ ...options(world, 1), timeout: Number.NaN }))).toMatchObject({
      code: 'ERR_OPTION_INVALID',
    });
  });
});
