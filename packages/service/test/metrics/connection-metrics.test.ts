import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { createTestAuthority } from '@ephemos/dev';
import {
  type Authorizer,
  authorizeAny,
  authorizeId,
  createAgent,
  createPolicyAuthorizer,
  createServer,
  parsePolicy,
  type ServerOptions,
  type X509Source,
} from 'ephemos';
import { connect } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { host, type MetricsWorld, ORDERS, openMetricsWorld, WEB } from './world.ts';

const failures = 'ephemos_tls_handshake_failures_total';
const decisions = 'ephemos_authorization_decisions_total';
const handshakes = 'ephemos_tls_handshake_duration_seconds';

async function serve(world: MetricsWorld, options: Partial<ServerOptions> = {}) {
  const server = createServer({ source: world.source, authorize: authorizeId(WEB), ...options }, (_request, response) =>
    response.end('ok'),
  );
  const refused = (): Promise<unknown> => once(server, 'tlsClientError');
  return { server, refused, port: await world.listen(server) };
}

/** The status of one request on a connection of its own, which stays open. */
async function call(world: MetricsWorld, port: number, source: X509Source, path = '/'): Promise<unknown> {
  const agent = createAgent({ source, authorize: authorizeId(ORDERS), keepAlive: true });
  world.atEnd(() => agent.destroy());
  const sent = request({ host, port, path, agent }).end();
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

/** A caller that may be refused: a server closes on it after its handshake, or in the same moment. */
async function knock(world: MetricsWorld, port: number, source: X509Source): Promise<void> {
  const socket = await connect({ host, port, source, authorize: authorizeAny() }).catch(() => undefined);
  world.atEnd(() => socket?.destroy());
}

/** Resolves when a connection of the server has closed. */
function serverClose(): Promise<void> {
  return new Promise((resolve) => {
    function onClose(message: unknown): void {
      if (typeof message !== 'object' || message === null || !('role' in message) || message.role !== 'server') return;
      unsubscribe('ephemos:tls:close', onClose);
      resolve();
    }
    subscribe('ephemos:tls:close', onClose);
  });
}

/** A client that takes whatever comes; resolves when the server has closed on it. */
function closedOn(socket: ReturnType<typeof connectTls> | ReturnType<typeof connectPlain>): Promise<unknown> {
  socket.on('error', () => undefined).resume();
  return new Promise((resolve) => socket.once('close', resolve));
}

describe('handshakes', () => {
  it('a handshake is timed on both sides, and its connection is active until it closes', async () => {
    await using world = await openMetricsWorld();
    const { server, port } = await serve(world);
    const before = await world.scrape();
    expect(before.value(`${handshakes}_count`, { role: 'server' })).toBe(0);
    expect(before.value('ephemos_tls_active_connections', { role: 'server' })).toBe(0);
    await call(world, port, await world.open(WEB));
    const during = await world.scrape();
    for (const role of ['server', 'client']) {
      const labels = { service: 'orders', role, tls_protocol_version: '1.3', tls_resumed: 'false' };
      expect(during.value(`${handshakes}_count`, labels)).toBe(1);
      expect(during.value(`${handshakes}_bucket`, { ...labels, le: '+Inf' })).toBe(1);
      expect(during.value(`${handshakes}_sum`, labels)).toBeGreaterThan(0);
      expect(during.value('ephemos_tls_active_connections', { role })).toBe(1);
    }
    const closed = serverClose();
    server.closeAllConnections();
    await closed;
    expect((await world.scrape()).value('ephemos_tls_active_connections', { role: 'server' })).toBe(0);
  });

  it('the version of TLS is a label', async () => {
    await using world = await openMetricsWorld();
    const { port } = await serve(world, { minVersion: 'TLSv1.2' });
    const source = await world.open(WEB);
    const { chain, privateKey } = source.svid;
    const cert = chain
      .map((der) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`)
      .join('');
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const socket = connectTls({ host, port, cert, key, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
    world.atEnd(() => socket.destroy());
    await once(socket, 'secureConnect');
    socket.write('GET / HTTP/1.1\r\nHost: orders\r\n\r\n');
    await once(socket, 'data');
    expect((await world.scrape()).value(`${handshakes}_count`, { role: 'server', tls_protocol_version: '1.2' })).toBe(1);
  });

  it('a connection that was there before the metrics makes no negative number of connections', async () => {
    await using world = await openMetricsWorld();
    const { server, port } = await serve(world);
    const source = await world.open(WEB);
    world.metrics.close();
    await call(world, port, source);
    await using later = await openMetricsWorld();
    const closed = serverClose();
    server.closeAllConnections();
    await closed;
    expect((await later.scrape()).value('ephemos_tls_active_connections', { role: 'server' })).toBe(0);
  });
});

describe('refusals', () => {
  it('every reason has a series from the start, so that its first refusal is an increase', async () => {
    await using world = await openMetricsWorld();
    expect((await world.scrape()).all(failures, { role: 'server' })).toHaveLength(13);
    expect((await world.scrape()).all(failures).every(({ value }) => value === 0)).toBe(true);
  });

  it('a peer that nothing admits is unauthorized; its handshake is in no duration', async () => {
    await using world = await openMetricsWorld();
    const { port, refused } = await serve(world);
    const refusal = refused();
    await knock(world, port, await world.open('spiffe://example.org/ops'));
    await refusal;
    const seen = await world.scrape();
    expect(seen.value(failures, { role: 'server', reason: 'unauthorized' })).toBe(1);
    expect(seen.value(`${handshakes}_count`, { role: 'server' })).toBe(0);
  });

  it('a server that a client does not admit is a failure of the client', async () => {
    await using world = await openMetricsWorld();
    const { port } = await serve(world);
    await expect(connect({ host, port, source: await world.open(WEB), authorize: authorizeId(WEB) })).rejects.toMatchObject({
      code: 'ERR_PEER_UNAUTHORIZED',
    });
    expect((await world.scrape()).value(failures, { role: 'client', reason: 'unauthorized' })).toBe(1);
  });

  it('a caller of a trust domain without a bundle is trust_domain_not_trusted', async () => {
    await using world = await openMetricsWorld();
    const stranger = createTestAuthority('stranger.example');
    stranger.federate(world.authority);
    const { port, refused } = await serve(world, { authorize: authorizeAny() });
    const refusal = refused();
    await knock(world, port, await world.open('spiffe://stranger.example/web', stranger));
    await refusal;
    expect((await world.scrape()).value(failures, { role: 'server', reason: 'trust_domain_not_trusted' })).toBe(1);
  });

  it('a caller without a certificate is no_peer_certificate, bytes that are no TLS are protocol, a connection that is reset is io', async () => {
    await using world = await openMetricsWorld();
    const { port, refused } = await serve(world);
    for (const dial of [
      () => connectTls({ host, port, rejectUnauthorized: false }),
      () => connectPlain(port, host).setNoDelay().end('GET / HTTP/1.1\r\n\r\n'),
    ]) {
      const refusal = refused();
      const closed = closedOn(dial());
      await refusal;
      await closed;
    }
    const refusal = refused();
    const reset = connectPlain(port, host);
    await once(reset, 'connect');
    reset.resetAndDestroy();
    await refusal;
    const seen = await world.scrape();
    for (const reason of ['no_peer_certificate', 'protocol', 'io']) expect(seen.value(failures, { role: 'server', reason })).toBe(1);
  });

  it('one connection more than the listener takes is limit, one that takes too long is timeout', async () => {
    await using world = await openMetricsWorld();
    const { server, port } = await serve(world, { limits: { maxConnections: 1 }, handshakeTimeout: 150 });
    const accepted = once(server, 'connection');
    const silent = closedOn(connectPlain(port, host));
    await accepted;
    await closedOn(connectPlain(port, host));
    await silent;
    const seen = await world.scrape();
    expect(seen.value(failures, { role: 'server', reason: 'limit' })).toBe(1);
    expect(seen.value(failures, { role: 'server', reason: 'timeout' })).toBe(1);
  });

  it('a live connection that ends because its peer is no longer admitted is no failed handshake', async () => {
    await using world = await openMetricsWorld();
    let open = true;
    const authorize: Authorizer = (_peer) => open;
    const { server, port } = await serve(world, { authorize });
    await call(world, port, await world.open(WEB));
    open = false;
    await server.reauthorize();
    expect((await world.scrape()).value(failures, { role: 'server', reason: 'unauthorized' })).toBe(0);
  });
});

describe('decisions', () => {
  it('every answer counts with its reason and the trust domain of the peer', async () => {
    await using world = await openMetricsWorld();
    const partner = createTestAuthority('partner.example');
    partner.federate(world.authority);
    world.authority.federate(partner);
    const { port, refused } = await serve(world);
    await call(world, port, await world.open(WEB));
    const refusal = refused();
    await knock(world, port, await world.open('spiffe://partner.example/web', partner));
    await refusal;
    const seen = await world.scrape();
    // Each side of the first connection, and the client of the second.
    expect(seen.value(decisions, { decision: 'allow', reason: 'allowed', peer_trust_domain: 'example.org' })).toBe(3);
    expect(seen.value(decisions, { decision: 'deny', reason: 'denied', peer_trust_domain: 'partner.example' })).toBe(1);
  });

  it('a trust domain that is not in our bundles is other', async () => {
    await using world = await openMetricsWorld();
    const stranger = createTestAuthority('stranger.example');
    // Another identity in this process, whose peers the metrics hear of too.
    const [theirs, web] = ['spiffe://stranger.example/orders', 'spiffe://stranger.example/web'];
    const server = createServer({ source: await world.open(theirs, stranger), authorize: authorizeId(web) });
    await knock(world, await world.listen(server), await world.open(web, stranger));
    const seen = await world.scrape();
    expect(seen.value(decisions, { decision: 'allow', reason: 'allowed', peer_trust_domain: 'other' })).toBeGreaterThan(0);
    expect(seen.text).not.toContain('stranger.example');
  });

  it('the reason of a policy is the reason of the metric, at the connection and at requests', async () => {
    await using world = await openMetricsWorld();
    const rules = [{ name: 'web reads orders', id: WEB, http: { method: 'GET', route: '/orders' } }];
    const { port } = await serve(world, { authorize: createPolicyAuthorizer(parsePolicy({ rules })) });
    const source = await world.open(WEB);
    expect(await call(world, port, source, '/orders')).toBe(200);
    expect(await call(world, port, source, '/admin')).toBe(403);
    expect(await call(world, port, source, '/orders/%2e%2e/admin')).toBe(400);
    const seen = await world.scrape();
    for (const reason of ['no_rule_for_target', 'target_invalid'])
      expect(seen.value(decisions, { decision: 'deny', reason, peer_trust_domain: 'example.org' })).toBe(1);
    // Three connections, asked about on both sides, and one request.
    expect(seen.value(decisions, { decision: 'allow', reason: 'allowed', peer_trust_domain: 'example.org' })).toBe(7);
  });
});
