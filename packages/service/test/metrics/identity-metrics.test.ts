import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createTestAuthority } from '@ephemos/dev';
import { openX509Source } from 'ephemos';
import { EphemosError } from 'ephemos/errors';
import type { WatchEvent, X509Context } from 'ephemos/workload-api';
import { describe, expect, it, vi } from 'vitest';
import { createMetrics } from '../../src/metrics/create-metrics.ts';
import { scrape } from './scrape.ts';
import { ORDERS, openMetricsWorld, untilSource, WEB } from './world.ts';

const service = { service: 'orders' };

describe('the SVID', () => {
  it('ephemos_certificate_expiry_seconds is what is left at the moment of the scrape', async () => {
    await using world = await openMetricsWorld();
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const first = (await world.scrape()).value('ephemos_certificate_expiry_seconds', service) ?? Number.NaN;
      expect(first).toBe((world.source.svid.notAfter - Date.now()) / 1000);
      vi.setSystemTime(Date.now() + 60_000);
      expect((await world.scrape()).value('ephemos_certificate_expiry_seconds')).toBeCloseTo(first - 60, 3);
    } finally {
      vi.useRealTimers();
    }
  });

  it('ephemos_certificate_expiry_seconds is negative once it has expired, and the timestamps are still those of that SVID', async () => {
    await using world = await openMetricsWorld();
    await world.authority.expire(ORDERS);
    await untilSource(world.source, () => world.source.health.state === 'expired');
    const seen = await world.scrape();
    expect(seen.value('ephemos_certificate_expiry_seconds')).toBeLessThan(0);
    expect(seen.value('ephemos_svid_not_after_timestamp_seconds')).toBe((world.source.health.expiresAt ?? 0) / 1000);
    expect(seen.value('ephemos_svid_info', { spiffe_id: ORDERS })).toBe(1);
  });

  it('a withdrawn identity has no series, so that an alert on their absence fires', async () => {
    await using world = await openMetricsWorld();
    await world.authority.withdraw(ORDERS);
    await untilSource(world.source, () => world.source.health.state === 'withdrawn');
    const seen = await world.scrape();
    for (const name of ['ephemos_certificate_expiry_seconds', 'ephemos_svid_not_after_timestamp_seconds', 'ephemos_svid_info'])
      expect(seen.all(name)).toEqual([]);
    expect(seen.value('ephemos_build_info', { version: '1.2.3', node_version: process.versions.node })).toBe(1);
  });

  it('ephemos_svid_info says who we are and with which kind of key', async () => {
    for (const keyType of ['ec-p256', 'ec-p384', 'rsa-2048'] as const) {
      const source = await createTestAuthority('example.org', { keyType }).openX509Source(ORDERS);
      using metrics = createMetrics({ service: 'orders', version: '1', source });
      expect((await scrape(metrics)).all('ephemos_svid_info')).toEqual([
        { name: 'ephemos_svid_info', value: 1, labels: { ...service, spiffe_id: ORDERS, trust_domain: 'example.org', key_type: keyType } },
      ]);
      await source.close();
    }
  });

  it('a rotation counts once, the first SVID does not, and the timestamps are those of the new one', async () => {
    await using world = await openMetricsWorld();
    const before = world.source.svid;
    const at = (await world.scrape()).value('ephemos_svid_last_rotation_timestamp_seconds') ?? Number.NaN;
    expect((await world.scrape()).value('ephemos_svid_rotations_total')).toBe(0);
    await world.authority.rotate();
    await untilSource(world.source, () => world.source.svid !== before);
    const seen = await world.scrape();
    expect(seen.value('ephemos_svid_rotations_total')).toBe(1);
    expect(seen.value('ephemos_svid_last_rotation_timestamp_seconds')).toBeGreaterThanOrEqual(at);
    expect(seen.value('ephemos_svid_not_before_timestamp_seconds')).toBe(world.source.svid.notBefore / 1000);
  });

  it('an SVID that comes back after a withdrawal is a rotation', async () => {
    await using world = await openMetricsWorld();
    await world.authority.withdraw(ORDERS);
    await untilSource(world.source, () => world.source.health.state === 'withdrawn');
    await world.authority.restore(ORDERS);
    await untilSource(world.source, () => world.source.health.state === 'ready');
    const seen = await world.scrape();
    expect(seen.value('ephemos_svid_rotations_total')).toBe(1);
    expect(seen.value('ephemos_certificate_expiry_seconds')).toBeGreaterThan(0);
  });
});

describe('the bundles', () => {
  it('an authority that is added to a bundle counts as one more, as an update, and moves the end of the bundle', async () => {
    await using world = await openMetricsWorld();
    const own = { trust_domain: 'example.org' };
    const before = await world.scrape();
    expect(before.value('ephemos_trust_bundle_authorities', own)).toBe(1);
    expect(before.value('ephemos_trust_bundle_updates_total', own)).toBe(0);
    await world.authority.rotateAuthority({ overlap: true });
    await untilSource(world.source, () => world.source.bundles.get(world.authority.trustDomain)?.size === 2);
    const after = await world.scrape();
    expect(after.value('ephemos_trust_bundle_authorities', own)).toBe(2);
    expect(after.value('ephemos_trust_bundle_updates_total', own)).toBe(1);
    const ends = world.source.bundles.get(world.authority.trustDomain)?.authorities.map(({ notAfter }) => notAfter / 1000) ?? [];
    expect(after.value('ephemos_trust_bundle_not_after_timestamp_seconds', own)).toBe(Math.max(...ends));
  });

  it('a federated trust domain has series of its own as long as it is federated', async () => {
    await using world = await openMetricsWorld();
    const partner = { trust_domain: 'partner.example' };
    world.authority.federate(createTestAuthority('partner.example'));
    await untilSource(world.source, () => world.source.bundles.size === 2);
    const federated = await world.scrape();
    expect(federated.value('ephemos_trust_bundle_authorities', partner)).toBe(1);
    expect(federated.value('ephemos_trust_bundle_updates_total', partner)).toBe(0);
    world.authority.unfederate('partner.example');
    await untilSource(world.source, () => world.source.bundles.size === 1);
    const { series } = await world.scrape();
    expect(series.filter(({ labels }) => labels['trust_domain'] === 'partner.example')).toEqual([]);
  });
});

describe('the Workload API', () => {
  const rpc = { rpc: 'FetchX509SVID' };

  it('ephemos_spire_agent_connection_status is 1 while the stream stands, and 0 for a source that is closed', async () => {
    await using world = await openMetricsWorld();
    expect((await world.scrape()).value('ephemos_spire_agent_connection_status', service)).toBe(1);
    await world.source.close();
    expect((await world.scrape()).value('ephemos_spire_agent_connection_status')).toBe(0);
  });

  it('a stream that is lost and comes back with nothing new is one reconnect, however often it could not be opened meanwhile', async () => {
    await using stream = await openStream();
    using metrics = createMetrics({ service: 'orders', version: '1', source: stream.source });
    await stream.fail('ERR_WORKLOAD_API_UNAVAILABLE');
    await stream.fail('ERR_WORKLOAD_API_UNAVAILABLE');
    const away = await scrape(metrics);
    expect(away.value('ephemos_spire_agent_connection_status')).toBe(0);
    expect(away.value('ephemos_workload_api_stream_reconnects_total', rpc)).toBe(0);
    expect(away.value('ephemos_workload_api_errors_total', { ...rpc, code: 'ERR_WORKLOAD_API_UNAVAILABLE' })).toBe(2);
    await stream.repeat();
    const back = await scrape(metrics);
    expect(back.value('ephemos_spire_agent_connection_status')).toBe(1);
    expect(back.value('ephemos_workload_api_stream_reconnects_total', rpc)).toBe(1);
    expect((await scrape(metrics)).value('ephemos_workload_api_stream_reconnects_total', rpc)).toBe(1);
  });

  it('reconnects between two scrapes are all counted', async () => {
    await using stream = await openStream();
    using metrics = createMetrics({ service: 'orders', version: '1', source: stream.source });
    for (let round = 0; round < 3; round += 1) {
      await stream.fail('ERR_WORKLOAD_API_UNAVAILABLE');
      await stream.repeat();
    }
    expect((await scrape(metrics)).value('ephemos_workload_api_stream_reconnects_total', rpc)).toBe(3);
  });

  it('an update that is refused is an error and no reconnect', async () => {
    await using stream = await openStream();
    using metrics = createMetrics({ service: 'orders', version: '1', source: stream.source });
    await stream.fail('ERR_WORKLOAD_API_RESPONSE_INVALID', true);
    await stream.repeat();
    const seen = await scrape(metrics);
    expect(seen.value('ephemos_workload_api_errors_total', { code: 'ERR_WORKLOAD_API_RESPONSE_INVALID' })).toBe(1);
    expect(seen.value('ephemos_workload_api_stream_reconnects_total', rpc)).toBe(0);
  });

  it('errors of another source in the process are not ours', async () => {
    await using world = await openMetricsWorld();
    const other = await world.open(WEB);
    await world.authority.withdraw(WEB);
    await untilSource(other, () => other.health.state === 'withdrawn');
    const code = { code: 'ERR_WORKLOAD_API_PERMISSION_DENIED' };
    expect((await world.scrape()).value('ephemos_workload_api_errors_total', code)).toBe(0);
    await world.authority.withdraw(ORDERS);
    await untilSource(world.source, () => world.source.health.state === 'withdrawn');
    expect((await world.scrape()).value('ephemos_workload_api_errors_total', code)).toBe(1);
  });

  it('before there is a source its errors count, the status is 0, and nothing is said of an SVID', async () => {
    using metrics = createMetrics({ service: 'orders', version: '1' });
    const enough = new AbortController();
    const onError = (): void => enough.abort();
    subscribe('ephemos:source:error', onError);
    const opening = openX509Source({ endpoint: 'unix:///nonexistent/agent.sock', signal: enough.signal });
    await expect(opening).rejects.toMatchObject({ code: 'ERR_CONNECT_ABORTED' });
    unsubscribe('ephemos:source:error', onError);
    const waiting = await scrape(metrics);
    expect(waiting.value('ephemos_workload_api_errors_total', { code: 'ERR_WORKLOAD_API_UNAVAILABLE' })).toBeGreaterThan(0);
    expect(waiting.value('ephemos_spire_agent_connection_status')).toBe(0);
    expect(waiting.all('ephemos_svid_not_after_timestamp_seconds')).toEqual([]);
    const source = await createTestAuthority('example.org').openX509Source(ORDERS);
    metrics.setSource(source);
    expect((await scrape(metrics)).value('ephemos_spire_agent_connection_status')).toBe(1);
    await source.close();
  });
});

/** A source whose stream does what the test says. Each call resolves when the source has taken it. */
async function openStream() {
  const template = await createTestAuthority('example.org').openX509Source(ORDERS);
  const { svids, bundles } = template;
  const context: X509Context = { svids, bundles };
  await template.close();
  const waiting: (() => void)[] = [];
  let next: { readonly event: WatchEvent<X509Context>; readonly taken: () => void } | undefined;

  function send(event: WatchEvent<X509Context>): Promise<void> {
    return new Promise((taken) => {
      next = { event, taken };
      for (const wake of waiting.splice(0)) wake();
    });
  }
  async function* watchX509Contexts({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    const wakeAll = (): void => {
      for (const wake of waiting.splice(0)) wake();
    };
    signal?.addEventListener('abort', wakeAll, { once: true });
    while (signal?.aborted !== true) {
      if (next === undefined) await new Promise<void>((wake) => waiting.push(wake));
      if (next === undefined) continue;
      const { event, taken } = next;
      next = undefined;
      yield event;
      taken();
    }
  }
  const opened = openX509Source({ client: { watchX509Contexts } });
  await send({ type: 'update', value: context });
  const source = await opened;
  return {
    source,
    repeat: () => send({ type: 'update', value: context }),
    fail: (code: EphemosError['code'], connected = false) =>
      send({ type: 'error', error: new EphemosError(code, 'as the test says'), connected }),
    [Symbol.asyncDispose]: () => source.close(),
  };
}
