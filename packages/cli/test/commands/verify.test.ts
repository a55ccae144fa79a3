import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createTestAuthority, type DevAgent, type IssueOptions, openDevAgent, type TestAuthority } from '@ephemos/dev';
import { type Authorizer, authorizeId, createServer, openX509Source } from 'ephemos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ephemos, type Finished } from '../support/ephemos.ts';

const trustDomain = 'example.org';
const web = 'spiffe://example.org/web';
const orders = 'spiffe://example.org/orders';
const partner = 'spiffe://partner.example/orders';

let agent: DevAgent;
let foreign: DevAgent;
let partners: TestAuthority;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  partners = createTestAuthority('partner.example');
  agent = await openDevAgent({ trustDomain, intermediate: true });
  foreign = await openDevAgent({ trustDomain });
  agent.federate('partner.example', await partners.bundleDer());
});

afterAll(async () => {
  for (const close of closing.toReversed()) await close();
  await agent.close();
  await foreign.close();
});

/** A server made with createServer; resolves with its port. */
async function serve(by: DevAgent, id: string, authorize: Authorizer = authorizeId(web)): Promise<number> {
  const source = await openX509Source({ endpoint: await by.endpointFor(id) });
  const server = createServer({ source, authorize }, (_request, response) => void response.end('hello'));
  closing.push(() => source.close());
  return listen(server);
}

/** A plain TLS server with a certificate that no server of ours would present. */
async function serveIssued(id: string, issue: IssueOptions): Promise<number> {
  const { chain, privateKey } = await partners.issueX509Svid(id, issue);
  const pem = (der: Uint8Array) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;
  const key = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(privateKey).toString('base64')}\n-----END PRIVATE KEY-----\n`;
  const server = createTlsServer({ cert: chain.map(pem).join(''), key, requestCert: true, rejectUnauthorized: false }, ignoreErrors);
  server.on('tlsClientError', () => undefined);
  return listen(server);
}

function ignoreErrors(socket: Socket): void {
  socket.on('error', () => undefined);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return portOf(server.address());
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return address.port;
}

async function verify(port: number, ...flags: readonly string[]): Promise<Finished> {
  return ephemos(['verify', `127.0.0.1:${port}`, ...flags, '--socket', await agent.endpointFor(web)]);
}

async function verifyJson(port: number, ...flags: readonly string[]): Promise<{ code: number | null; document: Record<string, unknown> }> {
  const { code, stdout } = await verify(port, ...flags, '--format', 'json');
  return { code, document: JSON.parse(stdout) };
}

describe('ephemos verify of a peer that is as it should be', () => {
  it('shows its ID, what it was verified with and its chain, and ends with 0', async () => {
    const { code, stdout, stderr } = await verify(await serve(agent, orders), '--id', orders);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^verified and authorized {2}127\.0\.0\.1:\d+\n/);
    expect(stdout).toContain(`  SPIFFE ID   ${orders}\n`);
    expect(stdout).toContain('  verified    by the bundle of example.org\n');
    expect(stdout).toMatch(/ {2}authority {3}CN=example\.org root 1, O=Ephemos development, until /);
    expect(stdout).toContain(`  authorized  yes, by --id ${orders}\n`);
    expect(stdout).toContain('  the peer    kept the connection open\n');
    expect(stdout).toContain(`  we are      ${web}\n`);
    expect(stdout).toMatch(/ {2}1 {2}leaf\n {5}URI SAN {2}spiffe:\/\/example\.org\/orders\n/);
    expect(stdout).toMatch(/ {2}2 {2}issuer, a CA\n/);
    expect(stdout).toMatch(/ {5}key {6}EC P-256\n/);
  });

  it('is one document with --format json', async () => {
    const port = await serve(agent, orders);
    const { code, document } = await verifyJson(port, '--member-of', trustDomain, '--alpn', 'h2,http/1.1');
    expect(code).toBe(0);
    const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
    const certificate = { subject: expect.any(String), issuer: expect.any(String), notBefore: iso, notAfter: iso, keyType: 'EC P-256' };
    expect(document).toEqual({
      target: `127.0.0.1:${port}`,
      remoteAddress: '127.0.0.1',
      own: web,
      verdict: 'ok',
      error: null,
      id: orders,
      verifiedBy: { trustDomain, authority: { ...certificate, uris: ['spiffe://example.org'], ca: true } },
      rule: '--member-of example.org',
      authorized: true,
      reception: 'silent',
      tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', alpn: 'http/1.1' },
      chain: [
        { ...certificate, uris: [orders], ca: false },
        { ...certificate, uris: ['spiffe://example.org'], ca: true },
      ],
    });
  });

  it('verifies a federated peer with the bundle of its own trust domain', async () => {
    const { code, document } = await verifyJson(await serveIssued(partner, {}), '--any');
    expect(code).toBe(0);
    expect(document).toMatchObject({ id: partner, verifiedBy: { trustDomain: 'partner.example' } });
  });

  it('sends no byte of application data', async () => {
    const source = await openX509Source({ endpoint: await agent.endpointFor(orders) });
    closing.push(() => source.close());
    const server = createServer({ source, authorize: authorizeId(web) });
    const read: Promise<number> = new Promise((resolve) => {
      server.on('connection', (socket: Socket) => socket.once('close', () => resolve(socket.bytesRead)));
    });
    const decrypted: Buffer[] = [];
    server.on('secureConnection', (socket: Socket) => socket.on('data', (data) => decrypted.push(data)));
    expect((await verify(await listen(server), '--any')).code).toBe(0);
    expect(await read).toBeGreaterThan(0);
    expect(decrypted).toEqual([]);
  });
});

describe('ephemos verify shows the chain of a peer that it refuses, and ends with 4', () => {
  it('because it is another workload', async () => {
    const { code, stdout } = await verify(await serve(agent, orders), '--id', 'spiffe://example.org/billing');
    expect(code).toBe(4);
    expect(stdout).toMatch(/^refused {2}127/);
    expect(stdout).toContain('  code    ERR_PEER_UNAUTHORIZED\n');
    expect(stdout).toContain(`  reason  the peer is ${orders}, and the rule is --id spiffe://example.org/billing\n`);
    expect(stdout).toContain(`  hint    if it is the one you meant, give --id ${orders}`);
    expect(stdout).toContain('  verified    by the bundle of example.org\n');
    expect(stdout).toContain('  authorized  no, by --id spiffe://example.org/billing\n');
    expect(stdout).toContain('chain that the peer presented\n  1  leaf\n');
  });

  it('because it is of another trust domain than --member-of', async () => {
    const { code, document } = await verifyJson(await serveIssued(partner, {}), '--member-of', trustDomain);
    expect(code).toBe(4);
    expect(document).toMatchObject({ verdict: 'refused', authorized: false, id: partner, error: { code: 'ERR_PEER_UNAUTHORIZED' } });
  });

  it('because a foreign authority claims our trust domain', async () => {
    const port = await serve(foreign, orders);
    const { code, document } = await verifyJson(port, '--id', orders);
    expect(code).toBe(4);
    expect(document).toMatchObject({
      verdict: 'refused',
      id: null,
      verifiedBy: null,
      authorized: false,
      error: { code: 'ERR_PEER_AUTHORITY_UNKNOWN', hint: expect.any(String) },
      chain: [{ uris: [orders] }],
    });
    const { stdout } = await verify(port, '--id', orders);
    expect(stdout).toContain(
      `  SPIFFE ID   ${orders}  (claimed, not verified)\n  verified    no\n  authorized  not asked, because it is not verified\n`,
    );
  });

  it('because it has expired', async () => {
    const now = Date.now();
    const certificate = { notBefore: new Date(now - 60_000), notAfter: new Date(now - 5_000) };
    const { code, stdout } = await verify(await serveIssued(partner, { certificate }), '--any');
    expect(code).toBe(4);
    expect(stdout).toContain('  code    ERR_PEER_EXPIRED\n');
    expect(stdout).toMatch(/ {5}valid {4}.*, expired \d+ s ago\n/);
  });

  it('because it is not valid yet', async () => {
    const certificate = { notBefore: new Date(Date.now() + 60_000) };
    const { code, stdout } = await verify(await serveIssued(partner, { certificate }), '--any');
    expect(code).toBe(4);
    expect(stdout).toMatch(/ERR_PEER_NOT_YET_VALID[\s\S]*, not valid yet\n/);
  });

  it.each([
    ['it has two URI SANs', { uris: [partner, 'spiffe://partner.example/b'] }, 'ERR_PEER_ID_MULTIPLE'],
    ['it has no URI SAN', { uris: [], dnsNames: ['orders'] }, 'ERR_PEER_ID_MISSING'],
    ['we have no bundle of its trust domain', { uris: ['spiffe://stranger.example/a'] }, 'ERR_PEER_TRUST_DOMAIN_UNKNOWN'],
  ])('because %s', async (_name, certificate, code) => {
    const end = await verifyJson(await serveIssued(partner, { certificate }), '--any');
    expect(end).toMatchObject({ code: 4, document: { error: { code }, chain: [{ uris: certificate.uris }] } });
  });

  it('with what would draw on the terminal written as escapes', async () => {
    const uris = ['spiffe://partner.example/\u001b[2Ja'];
    const { code, stdout } = await verify(await serveIssued(partner, { certificate: { uris } }), '--any');
    expect(code).toBe(4);
    expect(stdout).not.toContain('\u001b');
  });
});

describe('ephemos verify of a peer that refuses us', () => {
  it('says so and ends with 4, although the peer is who it should be', async () => {
    const port = await serve(agent, orders, authorizeId('spiffe://example.org/other'));
    const { code, stdout } = await verify(port, '--id', orders);
    expect(code).toBe(4);
    expect(stdout).toMatch(/^refused by the peer {2}127/);
    expect(stdout).toContain('  reason  the peer closed the connection right after the handshake');
    expect(stdout).toContain(`  hint    it may not authorize ${web}`);
    expect(stdout).toContain(`  authorized  yes, by --id ${orders}\n  the peer    closed the connection\n`);
    const { document } = await verifyJson(port, '--id', orders);
    expect(document).toMatchObject({
      verdict: 'refused-by-peer',
      reception: 'closed',
      authorized: true,
      error: { code: 'ERR_CONNECT_FAILED' },
    });
  });
});

describe('ephemos verify without a connection ends with 1', () => {
  it('when nobody listens', async () => {
    const server = createTcpServer();
    const port = await listen(server);
    server.close();
    await once(server, 'close');
    const { code, stdout, stderr } = await verify(port, '--any');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `error: 127.0.0.1:${port} refuses connections\nhint: nobody listens there: is the service running, and is this its port?\n`,
    );
  });

  it('when the peer speaks no TLS', async () => {
    const port = await listen(
      createTcpServer((socket) => void socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    expect(await verify(port, '--any')).toMatchObject({ code: 1, stderr: expect.stringContaining('does not speak TLS\nhint: ') });
  });

  it('when the peer speaks only TLS 1.2', async () => {
    const { chain, privateKey } = await partners.issueX509Svid(partner);
    const [leaf = new Uint8Array()] = chain;
    const cert = `-----BEGIN CERTIFICATE-----\n${Buffer.from(leaf).toString('base64')}\n-----END CERTIFICATE-----\n`;
    const key = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(privateKey).toString('base64')}\n-----END PRIVATE KEY-----\n`;
    const server = createTlsServer({ cert, key, maxVersion: 'TLSv1.2' }).on('tlsClientError', () => undefined);
    const port = await listen(server);
    expect(await verify(port, '--any')).toMatchObject({ code: 1, stderr: expect.stringContaining('does not speak TLS 1.3\nhint: ') });
  });

  it('when no protocol is shared', async () => {
    const { code, stderr } = await verify(await serve(agent, orders), '--any', '--alpn', 'h2', '--format', 'json');
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'ERR_ALPN_MISMATCH', hint: expect.any(String) }, exitCode: 1 });
  });

  it('when the handshake takes longer than --timeout', async () => {
    const port = await listen(createTcpServer(ignoreErrors));
    const { code, stderr } = await verify(port, '--any', '--timeout', '700ms');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('no handshake within 0.7 s') });
  });
});

it('ephemos verify without an identity of our own ends with 4 before it dials', async () => {
  const nobody = 'spiffe://example.org/nobody';
  const endpoint = await agent.endpointFor(nobody);
  await agent.remove(nobody);
  const end = await ephemos(['verify', '127.0.0.1:1', '--any', '--socket', endpoint]);
  expect(end).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('error: the Workload API grants no identity') });
});
