import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { createTestAuthority, openDevAgent } from '@ephemos/dev';
import { EphemosError } from 'ephemos/errors';
import { createWorkloadApiClient, type WatchEvent, type X509Context, X509SVIDResponseSchema } from 'ephemos/workload-api';
import { describe, expect, it } from 'vitest';
import { bounded, failureOf, untilHolds } from '../support/events.ts';
import { openHandMadeAgent, refuse, send } from '../support/hand-made-agent.ts';

const WEB = 'spiffe://example.org/web';

async function message(): Promise<Uint8Array> {
  const authority = createTestAuthority('example.org');
  const { chain, privateKey } = await authority.issueX509Svid(WEB);
  const bundle = Buffer.concat(await authority.bundleDer());
  const svid = { spiffeId: WEB, x509Svid: Buffer.concat(chain), x509SvidKey: privateKey, bundle };
  return toBinary(X509SVIDResponseSchema, create(X509SVIDResponseSchema, { svids: [svid] }));
}

/** Reads events until one fits; leaves the loop then. */
async function until(
  events: AsyncIterable<WatchEvent<X509Context>>,
  fits: (event: WatchEvent<X509Context>) => boolean,
): Promise<readonly WatchEvent<X509Context>[]> {
  const seen: WatchEvent<X509Context>[] = [];
  for await (const event of events) {
    seen.push(event);
    if (fits(event)) return seen;
  }
  throw new Error('the watch ended');
}

const isUpdate = ({ type }: WatchEvent<X509Context>): boolean => type === 'update';
const codesOf = (events: readonly WatchEvent<X509Context>[]): readonly string[] =>
  events.map((event) => (event.type === 'error' ? event.error.code : 'update'));

describe('a fetch', () => {
  it('returns the contexts and bundles of a conformant agent', async () => {
    await using agent = await openDevAgent({ trustDomain: 'example.org' });
    await using client = createWorkloadApiClient({ endpoint: await agent.endpointFor(WEB) });
    const { svids, bundles } = await client.fetchX509Context();
    expect(svids.map(({ id }) => id.toString())).toEqual([WEB]);
    expect(bundles.size).toBe(1);
    expect((await client.fetchX509Bundles()).getById('spiffe://example.org')?.size).toBe(1);
  });

  it('carries the security header and the authority localhost on every call', async () => {
    const bytes = await message();
    await using agent = await openHandMadeAgent((stream) => send(stream, [bytes]));
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    await client.fetchX509Context();
    await client.fetchX509Context();
    expect(agent.calls.map((headers) => [headers[':path'], headers['workload.spiffe.io'], headers[':authority']])).toEqual([
      ['/SpiffeWorkloadAPI/FetchX509SVID', 'true', 'localhost'],
      ['/SpiffeWorkloadAPI/FetchX509SVID', 'true', 'localhost'],
    ]);
  });

  it.each([
    [3, 'ERR_WORKLOAD_API_INVALID_ARGUMENT'],
    [7, 'ERR_WORKLOAD_API_PERMISSION_DENIED'],
    [12, 'ERR_WORKLOAD_API_UNIMPLEMENTED'],
    [14, 'ERR_WORKLOAD_API_UNAVAILABLE'],
    [4, 'ERR_WORKLOAD_API_UNAVAILABLE'],
    [13, 'ERR_WORKLOAD_API_UNAVAILABLE'],
    [8, 'ERR_WORKLOAD_API_UNAVAILABLE'],
  ])('that is refused with status %i fails at once with %s, and is not tried again', async (status, code) => {
    await using agent = await openHandMadeAgent((stream) => refuse(stream, status, 'the reason'));
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    const error = await failureOf(client.fetchX509Context());
    expect(error).toBeInstanceOf(EphemosError);
    expect(error).toMatchObject({ code, message: expect.stringContaining('the reason') });
    expect(agent.calls).toHaveLength(1);
  });

  it('says what is wrong with the socket', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'eph-'));
    try {
      const file = join(directory, 'file');
      writeFileSync(file, '');
      await using nothing = createWorkloadApiClient({ endpoint: `unix://${directory}/none` });
      await using regular = createWorkloadApiClient({ endpoint: `unix://${file}` });
      expect(await failureOf(nothing.fetchX509Context())).toMatchObject({
        code: 'ERR_WORKLOAD_API_UNAVAILABLE',
        hint: expect.stringContaining('nothing is at'),
      });
      expect(await failureOf(regular.fetchX509Context())).toMatchObject({
        code: 'ERR_WORKLOAD_API_UNAVAILABLE',
        hint: expect.stringContaining(process.platform === 'linux' ? 'is not a socket' : ''),
      });
      await using mounted = createWorkloadApiClient({ endpoint: `unix://${directory}` });
      expect(await failureOf(mounted.fetchX509Context())).toMatchObject({
        code: 'ERR_WORKLOAD_API_UNAVAILABLE',
        hint: expect.stringContaining(process.platform === 'linux' ? 'is a directory' : ''),
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('goes over tcp too', async () => {
    const bytes = await message();
    const server = createServer().on('stream', (stream) => send(stream, [bytes], { status: 0 }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address: AddressInfo | string | null = server.address();
    if (address === null || typeof address === 'string') throw new Error('no address');
    const client = createWorkloadApiClient({ endpoint: `tcp://127.0.0.1:${address.port}` });
    expect((await client.fetchX509Context()).svids).toHaveLength(1);
    await client.close();
    await new Promise((resolve) => server.close(resolve));
  });

  // connect-node makes PermissionDenied of a 403; were it taken for the word of the agent, a proxy in front of it could withdraw identities.
  it.each([401, 403, 404, 503])('does not take the HTTP status %i of something else for an answer of the agent', async (status) => {
    await using agent = await openHandMadeAgent((stream) => stream.respond({ ':status': status }, { endStream: true }));
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    expect(await failureOf(client.fetchX509Context())).toMatchObject({ code: 'ERR_WORKLOAD_API_UNAVAILABLE' });
  });

  it.each([
    ['bytes that are no message', Buffer.from([0xff, 0xff, 0xff])],
    ['a message over the bound', Buffer.alloc(16 * 1024 * 1024 + 1)],
  ])('refuses %s as ERR_WORKLOAD_API_RESPONSE_INVALID', async (_what, bytes) => {
    await using agent = await openHandMadeAgent((stream) => send(stream, [bytes], { status: 0 }));
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    expect(await failureOf(client.fetchX509Context())).toMatchObject({ code: 'ERR_WORKLOAD_API_RESPONSE_INVALID' });
  });

  it('leaves no connection open', async () => {
    const bytes = await message();
    await using agent = await openHandMadeAgent((stream) => send(stream, [bytes]));
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    await client.fetchX509Context();
    await client.fetchX509Context();
    await untilHolds(() => agent.openConnections() === 0, 'the connections are closed');
    expect(agent.connections()).toBe(2);
  });

  it('is ended by its signal', async () => {
    await using agent = await openHandMadeAgent(() => undefined);
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    expect(await failureOf(client.fetchX509Context({ signal: AbortSignal.timeout(50) }))).toBeInstanceOf(EphemosError);
  });
});

describe('a watch', () => {
  it('stays open and tells every new state', async () => {
    await using agent = await openDevAgent({ trustDomain: 'example.org' });
    await using client = createWorkloadApiClient({ endpoint: await agent.endpointFor(WEB) });
    const seen: number[] = [];
    for await (const event of client.watchX509Contexts()) {
      if (event.type === 'error') throw event.error;
      seen.push(event.value.svids[0]?.notAfter ?? 0);
      if (seen.length === 3) break;
      await agent.rotate(WEB);
    }
    expect(seen).toHaveLength(3);
  });

  it('makes no busy loop of streams that end in order again and again', async () => {
    const bytes = await message();
    await using agent = await openHandMadeAgent((stream) => send(stream, [bytes], { status: 0 }));
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    let updates = 0;
    for await (const event of client.watchX509Contexts()) {
      if (event.type === 'update') updates += 1;
      if (updates === 4) break;
    }
    const [first = 0, second = 0, , fourth = 0] = agent.calledAt;
    // The second at once; then at least 25 ms each (half of the first backoff).
    expect(fourth - second).toBeGreaterThan(40);
    expect(second - first).toBeLessThan(1000);
  });

  it('opens a stream that ended in order again at once', async () => {
    const bytes = await message();
    await using agent = await openHandMadeAgent((stream, call) => send(stream, [bytes], call === 0 ? { status: 0 } : undefined));
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    let endedAt = Number.NaN;
    for await (const event of client.watchX509Contexts()) {
      if (event.type === 'error') endedAt = performance.now();
      else if (!Number.isNaN(endedAt)) break;
    }
    // The shortest backoff is 25 ms; without any it takes 1 to 5.
    expect(performance.now() - endedAt).toBeLessThan(1000);
    expect(agent.calls).toHaveLength(2);
  });

  it('goes on after PermissionDenied and every passing failure, and carries the security header again', async () => {
    const bytes = await message();
    const statuses = [7, 14, 13, 8];
    await using agent = await openHandMadeAgent((stream, call) => {
      const status = statuses[call];
      if (status === undefined) send(stream, [bytes]);
      else refuse(stream, status, 'not now');
    });
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    const seen = await bounded(until(client.watchX509Contexts(), isUpdate), 'an update');
    expect(codesOf(seen)).toEqual([
      'ERR_WORKLOAD_API_PERMISSION_DENIED',
      'ERR_WORKLOAD_API_UNAVAILABLE',
      'ERR_WORKLOAD_API_UNAVAILABLE',
      'ERR_WORKLOAD_API_UNAVAILABLE',
      'update',
    ]);
    expect(agent.calls.every((headers) => headers['workload.spiffe.io'] === 'true')).toBe(true);
  });

  it.each([
    [3, 'ERR_WORKLOAD_API_INVALID_ARGUMENT'],
    [12, 'ERR_WORKLOAD_API_UNIMPLEMENTED'],
  ])('ends with status %i: the specification says not to retry', async (status, code) => {
    await using agent = await openHandMadeAgent((stream) => refuse(stream, status, 'never'));
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    expect(await failureOf(until(client.watchX509Contexts(), () => false))).toMatchObject({ code });
    expect(agent.calls).toHaveLength(1);
  });

  it('reports a malformed update and goes on with the stream', async () => {
    const bytes = await message();
    const empty = toBinary(X509SVIDResponseSchema, create(X509SVIDResponseSchema, {}));
    await using agent = await openHandMadeAgent((stream) => send(stream, [bytes, empty, bytes]));
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    let updates = 0;
    const seen = await bounded(
      until(client.watchX509Contexts(), (event) => isUpdate(event) && ++updates === 2),
      'two updates',
    );
    expect(codesOf(seen)).toEqual(['update', 'ERR_WORKLOAD_API_RESPONSE_INVALID', 'update']);
    expect(agent.calls).toHaveLength(1);
  });

  it('refuses a message of more than 16 MiB and recovers', async () => {
    const bytes = await message();
    await using agent = await openHandMadeAgent((stream, call) => send(stream, [call === 0 ? new Uint8Array(17 * 1024 * 1024) : bytes]));
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    expect(codesOf(await bounded(until(client.watchX509Contexts(), isUpdate), 'an update'))).toEqual([
      'ERR_WORKLOAD_API_RESPONSE_INVALID',
      'update',
    ]);
  });

  it('unsubscribes when its loop is left', async () => {
    const bytes = await message();
    let closed: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    await using agent = await openHandMadeAgent((stream) => {
      send(stream, [bytes]);
      stream.once('close', closed);
    });
    await using client = createWorkloadApiClient({ endpoint: agent.endpoint });
    await until(client.watchX509Contexts(), isUpdate);
    await bounded(gone, 'the end of the stream');
    expect(agent.openStreams()).toBe(0);
  });

  it('ends when its signal is aborted and when the client is closed', async () => {
    const bytes = await message();
    await using agent = await openHandMadeAgent((stream) => send(stream, [bytes]));
    const client = createWorkloadApiClient({ endpoint: agent.endpoint });
    const stop = new AbortController();
    for await (const _ of client.watchX509Contexts({ signal: stop.signal })) stop.abort();
    for await (const _ of client.watchX509Contexts()) await client.close();
    await client.close();
  });
});
