import { createPrivateKey } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { Code, ConnectError } from '@connectrpc/connect';
import { createTestAuthority, openDevAgent } from '@ephemos/dev';
import { parseX509Context, type X509SVID } from 'ephemos/workload-api';
import { describe, expect, it } from 'vitest';
import { certificatesOf, verifiesWithOpenSsl } from './certificates.ts';
import { createEventLog } from './events.ts';
import { codeOf, createRawClient, openStream, openSvidStream } from './raw-client.ts';

const trustDomain = 'example.org';
const web = 'spiffe://example.org/web';
const api = 'spiffe://example.org/api';
const header = { headers: { 'workload.spiffe.io': 'true' } };

describe('the development agent', () => {
  it.each([false, true])('serves an SVID that OpenSSL verifies and our own rules accept (intermediate: %s)', async (intermediate) => {
    await using agent = await openDevAgent({ trustDomain, intermediate });
    await using stream = openSvidStream(await agent.endpointFor(web));
    const response = await stream.next();
    const [svid] = response.svids;
    if (!svid) throw new TypeError('no SVID');
    expect(response.svids).toHaveLength(1);
    expect(svid.spiffeId).toBe(web);
    expect(certificatesOf(svid.x509Svid)).toHaveLength(intermediate ? 2 : 1);
    expect(verifiesWithOpenSsl(svid)).toBe(true);
    const key = createPrivateKey({ key: Buffer.from(svid.x509SvidKey), format: 'der', type: 'pkcs8' });
    expect(certificatesOf(svid.x509Svid)[0]?.checkPrivateKey(key)).toBe(true);
    expect(parseX509Context(response).svids[0]?.id.toString()).toBe(web);
  });

  it('keeps the sockets in a directory that only its owner can enter, and removes both when it closes', async () => {
    const agent = await openDevAgent({ trustDomain });
    const path = new URL(await agent.endpointFor(web)).pathname;
    expect((await lstat(agent.directory)).mode & 0o777).toBe(0o700);
    expect((await lstat(path)).mode & 0o777).toBe(0o600);
    await agent.close();
    await agent.close();
    await expect(lstat(agent.directory)).rejects.toThrow('ENOENT');
  });

  it('refuses a call without the security header', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    const call = openSvidStream(endpoint, { headers: {} }).next();
    await expect(call).rejects.toThrow('security header missing from request');
    expect(await codeOf(openSvidStream(endpoint, { headers: { 'workload.spiffe.io': 'yes' } }).next())).toBe('InvalidArgument');
  });

  it.each(['FetchJWTSVID', 'FetchJWTBundles', 'ValidateJWTSVID', 'FetchWITSVID'])('answers %s with Unimplemented', async (rpc) => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    expect(await grpcStatus(endpoint, `/SpiffeWorkloadAPI/${rpc}`, { 'workload.spiffe.io': 'true' })).toBe(String(Code.Unimplemented));
    expect(await grpcStatus(endpoint, `/SpiffeWorkloadAPI/${rpc}`, {})).toBe(String(Code.InvalidArgument));
  });

  it('keeps a stream open and sends the whole new state on every change', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using stream = openSvidStream(await agent.endpointFor(web));
    const first = await stream.next();
    await agent.rotate();
    const second = await stream.next();
    expect(second.svids[0]?.x509Svid).not.toEqual(first.svids[0]?.x509Svid);
    expect(second.svids[0]?.bundle).toEqual(first.svids[0]?.bundle);
    agent.federate('other.example', await createTestAuthority('other.example').bundleDer());
    const third = await stream.next();
    expect(third.svids).toEqual(second.svids);
    expect(Object.keys(third.federatedBundles)).toEqual(['spiffe://other.example']);
    agent.unfederate('other.example');
    expect((await stream.next()).federatedBundles).toEqual({});
  });

  it('tells a stream of its own identities only', async () => {
    const log = createEventLog();
    await using agent = await openDevAgent({ trustDomain, onEvent: log.onEvent });
    await using stream = openSvidStream(await agent.endpointFor(web));
    const [first] = (await stream.next()).svids;
    const next = stream.next();
    await using other = openSvidStream(await agent.endpointFor(api));
    await other.next();
    // Once the other stream has told, this one has had its turn at the same changes.
    for (let round = 0; round < 3; round++) {
      await agent.rotate(api);
      await other.next();
    }
    await agent.rotate(web);
    const { svids } = await next;
    expect(svids.map(({ spiffeId }) => spiffeId)).toEqual([web]);
    expect(svids[0]?.x509Svid).not.toEqual(first?.x509Svid);
    await log.until('update-sent', 6);
    const toWeb = log.events.filter((event) => event.type === 'update-sent' && event.ids.includes(web));
    expect(toWeb).toHaveLength(2);
  });

  it('serves several identities on one socket, with their hints', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await agent.register({ id: web, hint: 'public' });
    await agent.register({ id: api, hint: 'internal' });
    await using stream = openSvidStream(await agent.endpointFor([web, api]));
    const { svids } = await stream.next();
    expect(svids.map(({ spiffeId, hint }) => [spiffeId, hint])).toEqual([
      [web, 'public'],
      [api, 'internal'],
    ]);
  });

  it('gives one ID one socket, whoever asks and however often', async () => {
    await using agent = await openDevAgent({ trustDomain, identities: [{ id: web }] });
    const endpoints = await Promise.all([agent.endpointFor(web), agent.endpointFor(web), agent.endpointFor([web])]);
    expect(new Set(endpoints).size).toBe(1);
    expect(await agent.endpointFor(api)).not.toBe(endpoints[0]);
  });

  it('serves every bundle to FetchX509Bundles, that of its own trust domain included, and again only when one changes', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const other = await createTestAuthority('other.example').bundleDer();
    agent.federate('other.example', other);
    const client = createRawClient(await agent.endpointFor(web));
    await using stream = openStream((call) => client.fetchX509Bundles({}, { ...header, ...call }));
    const { bundles } = await stream.next();
    expect(Object.keys(bundles).sort()).toEqual(['spiffe://example.org', 'spiffe://other.example']);
    expect(certificatesOf(bundles['spiffe://example.org'] ?? new Uint8Array()).map(({ raw }) => raw)).toEqual(
      (await agent.bundleDer()).map((der) => Buffer.from(der)),
    );
    await agent.rotate();
    await agent.rotateAuthority({ overlap: false });
    const next = await stream.next();
    expect(next.bundles['spiffe://example.org']).not.toEqual(bundles['spiffe://example.org']);
  });

  it('ends open streams with PermissionDenied when the identity is removed, refuses new ones, and gives it back', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    await using stream = openSvidStream(endpoint);
    await stream.next();
    expect(await agent.remove(web)).toBe(true);
    expect(await agent.remove(web)).toBe(false);
    await expect(stream.next()).rejects.toThrow('no identity issued');
    expect(await codeOf(openSvidStream(endpoint).next())).toBe('PermissionDenied');
    const client = createRawClient(endpoint);
    expect(await codeOf(openStream((call) => client.fetchX509Bundles({}, { ...header, ...call })).next())).toBe('PermissionDenied');
    await agent.register({ id: web });
    await using again = openSvidStream(endpoint);
    expect((await again.next()).svids).toHaveLength(1);
  });

  it('rotates by itself at half of the life, give or take a tenth', async () => {
    await using agent = await openDevAgent({ trustDomain, svidTtlSeconds: 3 });
    await using stream = openSvidStream(await agent.endpointFor(web));
    let [last] = (await stream.next()).svids;
    for (let round = 0; round < 2; round++) {
      const left = endOf(last) - Date.now();
      const start = performance.now();
      const [next] = (await stream.next()).svids;
      expect(performance.now() - start).toBeGreaterThan(left * 0.4);
      expect(endOf(last)).toBeGreaterThan(Date.now());
      expect(endOf(next)).toBeGreaterThan(endOf(last));
      expect(next && verifiesWithOpenSsl(next)).toBe(true);
      last = next;
    }
  });

  it('replaces its authority by itself when that has lived half its life, and keeps the old root beside it', async () => {
    await using agent = await openDevAgent({ trustDomain, svidTtlSeconds: 1, caTtlSeconds: 2 });
    await using stream = openSvidStream(await agent.endpointFor(web));
    const [first] = (await stream.next()).svids;
    let [next] = (await stream.next()).svids;
    while (certificatesOf(next?.bundle ?? new Uint8Array()).length < 2) [next] = (await stream.next()).svids;
    expect(certificatesOf(next?.bundle ?? new Uint8Array())[0]?.raw).toEqual(certificatesOf(first?.bundle ?? new Uint8Array())[0]?.raw);
  });

  it('shows a new root to every stream before it signs when authorities overlap', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using stream = openSvidStream(await agent.endpointFor(web));
    const [before] = (await stream.next()).svids;
    const rotated = agent.rotateAuthority({ overlap: true });
    const [published] = (await stream.next()).svids;
    const [signed] = (await stream.next()).svids;
    await rotated;
    expect(published?.x509Svid).toEqual(before?.x509Svid);
    expect(certificatesOf(published?.bundle ?? new Uint8Array())).toHaveLength(2);
    expect(signed?.bundle).toEqual(published?.bundle);
    expect(signed && verifiesWithOpenSsl(signed)).toBe(true);
    await agent.retireAuthorities();
    const [alone] = (await stream.next()).svids;
    expect(certificatesOf(alone?.bundle ?? new Uint8Array())).toHaveLength(1);
    expect(alone && verifiesWithOpenSsl(alone)).toBe(true);
    expect(before && verifiesWithOpenSsl({ ...before, bundle: alone?.bundle ?? new Uint8Array() })).toBe(false);
  });

  it('drops the old root at once when authorities do not overlap', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using stream = openSvidStream(await agent.endpointFor(web));
    const [before] = (await stream.next()).svids;
    await agent.rotateAuthority({ overlap: false });
    const [after] = (await stream.next()).svids;
    expect(certificatesOf(after?.bundle ?? new Uint8Array())).toHaveLength(1);
    expect(after?.bundle).not.toEqual(before?.bundle);
    expect(after && verifiesWithOpenSsl(after)).toBe(true);
  });

  it('keeps its CA and its identities through a restart', async () => {
    const log = createEventLog();
    await using agent = await openDevAgent({ trustDomain, onEvent: log.onEvent });
    const endpoint = await agent.endpointFor(web);
    await using stream = openSvidStream(endpoint);
    const first = await stream.next();
    const restarted = agent.restart();
    await expect(stream.next()).rejects.toThrow(ConnectError);
    await restarted;
    await using again = openSvidStream(endpoint);
    expect(await again.next()).toEqual(first);
  });

  it('is unreachable while a restart keeps it down', async () => {
    const log = createEventLog();
    await using agent = await openDevAgent({ trustDomain, onEvent: log.onEvent });
    const endpoint = await agent.endpointFor(web);
    await using stream = openSvidStream(endpoint);
    await stream.next();
    const restarted = agent.restart({ downSeconds: 0.2 });
    await expect(stream.next()).rejects.toThrow();
    await expect(openSvidStream(endpoint).next()).rejects.toThrow('ENOENT');
    await restarted;
    await using again = openSvidStream(endpoint);
    expect((await again.next()).svids).toHaveLength(1);
  });

  it.each(['%2Ftmp%2Fagent.sock', '[', undefined])('answers whatever authority a client claims (%j)', async (authority) => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    const headers = { 'workload.spiffe.io': 'true', ...(authority === undefined ? { host: 'x' } : { ':authority': authority }) };
    expect(await firstBytes(endpoint, headers)).toBeGreaterThan(500);
  });

  it.each(['GET / HTTP/1.1\r\nhost: localhost\r\n\r\n', '\0\xff'.repeat(100), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\xff\xff'])(
    'goes on after bytes that are no gRPC (%j)',
    async (bytes) => {
      await using agent = await openDevAgent({ trustDomain });
      const endpoint = await agent.endpointFor(web);
      const socket = connectSocket(new URL(endpoint).pathname);
      socket.on('error', () => undefined);
      socket.end(Buffer.from(bytes, 'latin1'));
      socket.resume();
      await new Promise((resolve) => socket.once('close', resolve));
      await using stream = openSvidStream(endpoint);
      expect((await stream.next()).svids).toHaveLength(1);
    },
  );

  it('closes at once while a restart keeps it down', async () => {
    const agent = await openDevAgent({ trustDomain });
    await agent.endpointFor(web);
    const restarted = agent.restart({ downSeconds: 3600 });
    await agent.close();
    await restarted;
    await expect(lstat(agent.directory)).rejects.toThrow('ENOENT');
  });

  it('sends a slow reader the newest state only', async () => {
    const log = createEventLog();
    await using agent = await openDevAgent({ trustDomain, onEvent: log.onEvent });
    const endpoint = await agent.endpointFor(web);
    const roots = await createTestAuthority('other.example').bundleDer();
    // More than the flow-control window and every buffer, so that the first message is stuck until it is read.
    agent.federate('large.example', Array.from({ length: 4000 }, () => roots).flat());
    const session = connect('http://localhost', { createConnection: () => connectSocket(new URL(endpoint).pathname) });
    const request = session.request({
      ':method': 'POST',
      ':path': '/SpiffeWorkloadAPI/FetchX509SVID',
      'content-type': 'application/grpc',
      te: 'trailers',
      'workload.spiffe.io': 'true',
    });
    request.end(Buffer.alloc(5));
    await new Promise((resolve) => request.once('response', resolve));
    for (let round = 0; round < 20; round++) await agent.rotate();
    agent.unfederate('large.example');
    request.resume();
    await log.until('update-sent', 2);
    expect(log.events.filter(({ type }) => type === 'update-sent')).toHaveLength(2);
    session.destroy();
    await log.until('stream-closed');
  });

  it.each([
    ['spiffe://other.example/web', 'is not a workload of the trust domain example.org'],
    ['spiffe://example.org', 'is not a workload of the trust domain example.org'],
    ['spiffe://example.org/a/../b', 'segment'],
  ])('refuses to register %s', async (id, message) => {
    await using agent = await openDevAgent({ trustDomain });
    await expect(agent.endpointFor(id)).rejects.toThrow(message);
    await expect(agent.register({ id })).rejects.toThrow(message);
  });

  it.each([
    [{ svidTtlSeconds: 0 }, 'svidTtlSeconds'],
    [{ svidTtlSeconds: Number.NaN }, 'svidTtlSeconds'],
    [{ svidTtlSeconds: 60, caTtlSeconds: 30 }, 'caTtlSeconds'],
    [{ identities: [{ id: web, hint: 'x'.repeat(1025) }] }, 'hint'],
    [{ identities: [{ id: web, uid: -1 }] }, 'uid'],
  ])('refuses the options %j', async (options, message) => {
    await expect(openDevAgent({ trustDomain, ...options })).rejects.toThrow(message);
  });

  it('says so when an ID that is not registered is to be rotated or expired', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await expect(agent.rotate(web)).rejects.toMatchObject({ code: 'ERR_IDENTITY_NOT_FOUND' });
    await expect(agent.faults.expire(web)).rejects.toMatchObject({ code: 'ERR_IDENTITY_NOT_FOUND' });
  });

  it('opens no socket once it is closed', async () => {
    const agent = await openDevAgent({ trustDomain });
    await agent.close();
    await expect(agent.endpointFor(web)).rejects.toMatchObject({ code: 'ERR_WORKLOAD_API_UNAVAILABLE' });
  });

  it('does not stop when a listener of its events throws', async () => {
    await using agent = await openDevAgent({
      trustDomain,
      onEvent: () => {
        throw new TypeError('from a listener');
      },
    });
    await using stream = openSvidStream(await agent.endpointFor(web));
    expect((await stream.next()).svids).toHaveLength(1);
  });
});

/** When the leaf of an SVID ends, in milliseconds since the epoch. */
function endOf(svid: X509SVID | undefined): number {
  return Date.parse(certificatesOf(svid?.x509Svid ?? new Uint8Array())[0]?.validTo ?? '');
}

/** Calls FetchX509SVID with these headers; resolves with the size of the first piece of the answer. */
function firstBytes(endpoint: string, headers: Record<string, string>): Promise<number> {
  const session = connect('http://localhost', { createConnection: () => connectSocket(new URL(endpoint).pathname) });
  return new Promise<number>((resolve, reject) => {
    const call = { ':method': 'POST', ':path': '/SpiffeWorkloadAPI/FetchX509SVID', 'content-type': 'application/grpc', te: 'trailers' };
    const request = session.request({ ...call, ...headers });
    request.on('data', (chunk: Buffer) => resolve(chunk.length));
    request.on('error', reject);
    request.on('end', () => reject(new Error('no data')));
    request.end(Buffer.alloc(5));
  }).finally(() => session.destroy());
}

/** The status of a call that is answered with headers alone. */
function grpcStatus(endpoint: string, path: string, headers: Record<string, string>): Promise<unknown> {
  const session = connect('http://localhost', { createConnection: () => connectSocket(new URL(endpoint).pathname) });
  return new Promise((resolve, reject) => {
    const request = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers });
    request.on('response', (response) => resolve(response['grpc-status']));
    request.on('error', reject);
    request.end(Buffer.alloc(5));
  }).finally(() => session.destroy());
}
