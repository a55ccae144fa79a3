import { openDevAgent } from '@ephemos/dev';
import { isEphemosError, openX509Source, SpiffeId, type X509Source } from 'ephemos';
import { EphemosError, type ErrorCode } from 'ephemos/errors';
import { TrustDomain } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { bounded, failureOf, untilHolds } from '../support/events.ts';
import { untilSource } from '../support/tls-world.ts';

const WEB = 'spiffe://example.org/web';
const OPS = 'spiffe://example.org/ops';

function codeOfSvid(source: X509Source): ErrorCode | undefined {
  try {
    void source.svid;
    return undefined;
  } catch (error) {
    if (error instanceof EphemosError) return error.code;
    throw error;
  }
}

const untilReady = (source: X509Source): Promise<void> =>
  bounded(
    untilSource(source, () => source.health.state === 'ready'),
    'ready',
  );
const untilState = (source: X509Source, state: string): Promise<void> =>
  bounded(
    untilSource(source, () => source.health.state === state),
    state,
  );
const openAgent = (ttl?: number) => openDevAgent({ trustDomain: 'example.org', svidTtlSeconds: ttl });

describe('openX509Source', () => {
  it('resolves with the first SVID and is ready', async () => {
    await using agent = await openAgent();
    await using source = await openX509Source({ endpoint: await agent.endpointFor(WEB) });
    expect(source.svid.id.toString()).toBe(WEB);
    expect(source.bundles.get(TrustDomain.parse('example.org'))?.size).toBe(1);
    expect(source.health).toMatchObject({ state: 'ready', connected: true, expiresAt: source.svid.notAfter, lastError: undefined });
    expect(source.health.ageMs).toBeGreaterThanOrEqual(0);
  });

  it('waits for an identity that is registered later', async () => {
    await using agent = await openAgent();
    const endpoint = await agent.endpointFor(WEB);
    await agent.remove(WEB);
    const opening = openX509Source({ endpoint });
    await agent.register({ id: WEB });
    await using source = await bounded(opening, 'a source');
    expect(source.svid.id.toString()).toBe(WEB);
  });

  it('gives up after its timeout with the real reason and its mend', async () => {
    await using agent = await openAgent();
    const endpoint = await agent.endpointFor(WEB);
    await agent.remove(WEB);
    const denied = await failureOf(openX509Source({ endpoint, timeout: 200 }));
    expect(denied).toMatchObject({ code: 'ERR_WORKLOAD_API_PERMISSION_DENIED', message: expect.stringContaining('no identity issued') });
    expect(isEphemosError(denied) && denied.hint).toContain('entry create');
    const missing = await failureOf(openX509Source({ endpoint: `unix://${agent.directory}/none.sock`, timeout: 200 }));
    expect(missing).toMatchObject({ code: 'ERR_WORKLOAD_API_UNAVAILABLE', hint: expect.stringContaining('nothing is at') });
  });

  it('gives up when its signal is aborted, and takes no timeout that is none', async () => {
    await using agent = await openAgent();
    const endpoint = await agent.endpointFor(WEB);
    await agent.remove(WEB);
    expect(await failureOf(openX509Source({ endpoint, signal: AbortSignal.timeout(50) }))).toMatchObject({ code: 'ERR_CONNECT_ABORTED' });
    expect(await failureOf(openX509Source({ endpoint, timeout: 0 }))).toMatchObject({ code: 'ERR_OPTION_INVALID' });
  });

  it('rejects at once where the specification says not to retry', async () => {
    await using agent = await openAgent();
    const endpoint = await agent.endpointFor(WEB);
    agent.faults.refuse('UNIMPLEMENTED');
    expect(await failureOf(openX509Source({ endpoint }))).toMatchObject({ code: 'ERR_WORKLOAD_API_UNIMPLEMENTED' });
  });

  it('says after three seconds why there is no identity yet, once for each reason', async () => {
    await using agent = await openAgent();
    const endpoint = await agent.endpointFor(WEB);
    await agent.remove(WEB);
    const told: string[] = [];
    const startedAt = Date.now();
    const error = await failureOf(
      openX509Source({ endpoint, timeout: 4_000, onWaiting: (reason) => told.push(`${reason.code} ${Date.now() - startedAt >= 2_990}`) }),
    );
    expect(error).toBeInstanceOf(EphemosError);
    expect(told).toEqual(['ERR_WORKLOAD_API_PERMISSION_DENIED true']);
  });

  it('picks the SVID by SPIFFE ID, by hint or by both, and the first one otherwise', async () => {
    await using agent = await openAgent();
    await agent.register({ id: WEB, hint: 'external' });
    await agent.register({ id: OPS, hint: 'internal' });
    const endpoint = await agent.endpointFor([WEB, OPS]);
    for (const [options, id] of [
      [{}, WEB],
      [{ id: OPS }, OPS],
      [{ id: SpiffeId.parse(OPS) }, OPS],
      [{ hint: 'internal' }, OPS],
      [{ id: WEB, hint: 'external' }, WEB],
    ] as const) {
      await using source = await openX509Source({ endpoint, ...options });
      expect(source.svid.id.toString()).toBe(id);
      expect(source.svids).toHaveLength(2);
    }
    const none = await failureOf(openX509Source({ endpoint, id: WEB, hint: 'internal', timeout: 200 }));
    expect(none).toMatchObject({ code: 'ERR_IDENTITY_NOT_FOUND', hint: expect.stringContaining(OPS) });
  });

  it('refuses an id that is no SPIFFE ID before it dials', async () => {
    expect(await failureOf(openX509Source({ endpoint: 'unix:///none', id: 'web' }))).toMatchObject({ code: 'ERR_SPIFFE_ID_INVALID' });
  });
});

describe('an X509Source', () => {
  it('tells every change, the current state first, and the newest alone to a slow reader', async () => {
    await using agent = await openAgent();
    await using source = await openX509Source({ endpoint: await agent.endpointFor(WEB) });
    const seen: number[] = [];
    for await (const { svids } of source.updates()) {
      seen.push(svids[0]?.notAfter ?? 0);
      if (seen.length === 2) break;
      for (let i = 0; i < 3; i++) {
        const before = source.svid;
        await agent.rotate(WEB);
        await bounded(
          untilSource(source, () => source.svid !== before),
          'a rotation',
        );
      }
    }
    expect(seen[1]).toBe(source.svid.notAfter);
  });

  it('ends its updates with the signal and with close', async () => {
    await using agent = await openAgent();
    const source = await openX509Source({ endpoint: await agent.endpointFor(WEB) });
    const stop = new AbortController();
    for await (const _ of source.updates({ signal: stop.signal })) stop.abort();
    for await (const _ of source.updates()) await source.close();
    expect(source.health.state).toBe('closed');
  });

  it('keeps bundles that did not change as they are, and tells nothing when nothing changed', async () => {
    await using agent = await openAgent();
    await using source = await openX509Source({ endpoint: await agent.endpointFor(WEB) });
    const { bundles, svid } = source;
    await agent.rotate(WEB);
    await bounded(
      untilSource(source, () => source.svid !== svid),
      'a rotation',
    );
    expect(source.bundles).toBe(bundles);
    let changes = 0;
    source.subscribe(() => {
      changes += 1;
    });
    const before = source.svid;
    // A dropped stream brings the same state again.
    agent.faults.dropStreams();
    await untilHolds(() => source.health.connected && source.health.lastError === undefined, 'the stream');
    expect(source.svid).toBe(before);
    expect(changes).toBe(0);
  });

  it.each([
    'spiffe-id',
    'spiffe-id-mismatch',
    'certificate-missing',
    'certificate',
    'key-missing',
    'key',
    'key-mismatch',
    'bundle-missing',
    'bundle',
    'federated-bundle',
    'federated-name',
  ] as const)('refuses an update with a bad %s whole and keeps the last good one', async (kind) => {
    await using agent = await openAgent();
    await using source = await openX509Source({ endpoint: await agent.endpointFor(WEB) });
    const { svid, bundles } = source;
    agent.faults.malformed(kind);
    await untilHolds(() => source.health.lastError !== undefined, 'the refusal');
    expect(source.health.lastError?.code).toBe('ERR_WORKLOAD_API_RESPONSE_INVALID');
    expect(source.svid).toBe(svid);
    expect(source.bundles).toBe(bundles);
    expect(source.health.state).toBe('ready');
    agent.faults.clear();
    await untilHolds(() => source.health.lastError === undefined, 'the recovery');
  });

  it('stops using an SVID that a well-formed update leaves out', async () => {
    await using agent = await openAgent();
    await agent.register({ id: WEB });
    await agent.register({ id: OPS });
    await using source = await openX509Source({ endpoint: await agent.endpointFor([WEB, OPS]), id: OPS });
    await agent.remove(OPS);
    await untilState(source, 'withdrawn');
    expect(codeOfSvid(source)).toBe('ERR_IDENTITY_NOT_FOUND');
    await agent.register({ id: OPS });
    await untilReady(source);
  });

  it('forgets a federated bundle that an update leaves out', async () => {
    await using agent = await openAgent();
    await using source = await openX509Source({ endpoint: await agent.endpointFor(WEB) });
    agent.federate('partner.example', await agent.bundleDer());
    await bounded(
      untilSource(source, () => source.bundles.size === 2),
      'the federated bundle',
    );
    agent.unfederate('partner.example');
    await bounded(
      untilSource(source, () => source.bundles.size === 1),
      'its end',
    );
    expect(source.health.state).toBe('ready');
  });

  it('withdraws its identity on PermissionDenied at once, in the same turn as its listeners hear of it, and takes it back', async () => {
    await using agent = await openAgent();
    await using source = await openX509Source({ endpoint: await agent.endpointFor(WEB) });
    const codes: (ErrorCode | undefined)[] = [];
    source.subscribe(() => codes.push(codeOfSvid(source)));
    await agent.remove(WEB);
    await untilState(source, 'withdrawn');
    expect(codes).toEqual(['ERR_IDENTITY_WITHDRAWN']);
    expect(source.svids).toEqual([]);
    expect(source.bundles.size).toBe(1);
    await agent.register({ id: WEB });
    await untilReady(source);
    expect(codes).toEqual(['ERR_IDENTITY_WITHDRAWN', undefined]);
  });

  it('keeps the last good SVID through an outage, says that it is not connected, and recovers by itself', async () => {
    await using agent = await openAgent();
    await using source = await openX509Source({ endpoint: await agent.endpointFor(WEB) });
    const { svid } = source;
    const restarted = agent.restart({ downSeconds: 0.3 });
    await untilHolds(() => !source.health.connected, 'the loss of the agent');
    expect(source.svid).toBe(svid);
    expect(source.health).toMatchObject({ state: 'ready', connected: false, lastError: { code: 'ERR_WORKLOAD_API_UNAVAILABLE' } });
    await restarted;
    await untilHolds(() => source.health.connected, 'the agent');
  });

  it('has no SVID to present once it has expired, and says since when', async () => {
    await using agent = await openAgent();
    await using source = await openX509Source({ endpoint: await agent.endpointFor(WEB) });
    await agent.faults.expire(WEB);
    await untilHolds(() => source.health.state === 'expired', 'the expiry');
    expect(codeOfSvid(source)).toBe('ERR_IDENTITY_EXPIRED');
    await agent.rotate(WEB);
    await untilReady(source);
  });

  it('closes once, tells its listeners, and has nothing to give after that', async () => {
    await using agent = await openAgent();
    const source = await openX509Source({ endpoint: await agent.endpointFor(WEB) });
    let told = 0;
    source.subscribe(() => {
      told += 1;
    });
    await Promise.all([source.close(), source.close()]);
    await source[Symbol.asyncDispose]();
    expect(told).toBe(1);
    expect(codeOfSvid(source)).toBe('ERR_SOURCE_CLOSED');
  });
});
