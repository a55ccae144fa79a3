import { channel } from 'node:diagnostics_channel';
import { Counter, collectDefaultMetrics, Gauge, type OpenMetricsContentType, Registry, register } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/metrics/create-metrics.ts';
import { scrape } from './scrape.ts';
import { openMetricsWorld } from './world.ts';

const options = { service: 'orders', version: '1.2.3' };

describe('createMetrics', () => {
  it('the label service is on every series', async () => {
    await using world = await openMetricsWorld();
    const { series } = await world.scrape();
    expect(series.length).toBeGreaterThan(100);
    expect(series.filter(({ labels }) => labels['service'] !== 'orders')).toEqual([]);
  });

  it('metrics that a user adds to our registry get the label as well', async () => {
    using metrics = createMetrics(options);
    const { registry } = metrics;
    new Counter({ name: 'orders_placed_total', help: 'Orders.', registers: [registry] }).inc(3);
    expect((await scrape(metrics)).value('orders_placed_total', { service: 'orders' })).toBe(3);
  });

  it('the global registry of prom-client stays as it was', async () => {
    using _metrics = createMetrics(options);
    expect(await register.getMetricsAsJSON()).toEqual([]);
  });

  it('a registry of the user is used, and its own metrics and labels stay what they were', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ team: 'payments' });
    new Gauge({ name: 'queue_length', help: 'Length.', registers: [registry] }).set(7);
    using metrics = createMetrics({ ...options, registry });
    const seen = await scrape(metrics);
    expect(metrics.registry).toBe(registry);
    expect(seen.all('queue_length')).toEqual([{ name: 'queue_length', labels: { team: 'payments' }, value: 7 }]);
    expect(seen.value('ephemos_build_info', { service: 'orders', team: 'payments' })).toBe(1);
  });

  it('a registry that has the metrics of the process keeps its own', async () => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const before = registry.getSingleMetric('process_cpu_seconds_total');
    using metrics = createMetrics({ ...options, registry });
    expect(registry.getSingleMetric('process_cpu_seconds_total')).toBe(before);
    expect((await scrape(metrics)).value('ephemos_build_info')).toBe(1);
  });

  it('a name that is taken is one error at the start, and then the registry is as it was', async () => {
    const registry = new Registry();
    for (const name of ['ephemos_ready', 'http_server_request_duration_seconds']) new Gauge({ name, help: 'Mine.', registers: [registry] });
    const create = (): unknown => createMetrics({ ...options, registry, readiness: () => ({ ok: true, checks: [] }) });
    expect(create).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_INVALID',
        message: 'the registry has metrics of these names already: ephemos_ready, http_server_request_duration_seconds',
      }),
    );
    expect(registry.getMetricsAsArray()).toHaveLength(2);
    expect(channel('ephemos:tls:handshake').hasSubscribers).toBe(false);
  });

  it('a registry for OpenMetrics is filled as well', async () => {
    const registry = new Registry<OpenMetricsContentType>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    using metrics = createMetrics({ ...options, registry });
    const { text } = await scrape(metrics);
    expect(text).toContain('# TYPE ephemos_svid_rotations counter');
    expect(text).toMatch(/# EOF\n$/);
  });

  it('close takes everything out again and stops listening, also when it is called twice', async () => {
    const registry = new Registry();
    new Gauge({ name: 'queue_length', help: 'Length.', registers: [registry] });
    const metrics = createMetrics({ ...options, registry });
    expect(channel('ephemos:tls:handshake').hasSubscribers).toBe(true);
    metrics.close();
    metrics.close();
    expect(registry.getMetricsAsArray().map(({ name }) => name)).toEqual(['queue_length']);
    for (const name of ['source:error', 'tls:handshake', 'tls:refused', 'tls:close', 'authorize:decision'])
      expect(channel(`ephemos:${name}`).hasSubscribers).toBe(false);
    using again = createMetrics({ ...options, registry });
    expect((await scrape(again)).value('ephemos_build_info')).toBe(1);
  });

  it('refuses a service without a name', () => {
    expect(() => createMetrics({ ...options, service: '' })).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
  });
});

describe('the state of the service', () => {
  it('readiness is asked for every scrape, check by check, and a check that is gone has no series', async () => {
    let checks = [
      { name: 'svid', ok: true },
      { name: 'database', ok: false },
    ];
    using metrics = createMetrics({ ...options, readiness: () => ({ ok: checks.every(({ ok }) => ok), checks }) });
    const before = await scrape(metrics);
    expect(before.value('ephemos_ready')).toBe(0);
    expect(before.value('ephemos_health_check_status', { check: 'svid' })).toBe(1);
    expect(before.value('ephemos_health_check_status', { check: 'database' })).toBe(0);
    checks = [{ name: 'svid', ok: true }];
    const after = await scrape(metrics);
    expect(after.value('ephemos_ready')).toBe(1);
    expect(after.all('ephemos_health_check_status')).toHaveLength(1);
  });

  it('the time of the configuration and the shutdown are shown when they have come', async () => {
    using metrics = createMetrics(options);
    const before = await scrape(metrics);
    expect(before.all('ephemos_config_last_load_success_timestamp_seconds')).toEqual([]);
    expect(before.value('ephemos_shutdown_in_progress')).toBe(0);
    metrics.configLoaded(new Date(1_700_000_000_500));
    metrics.setShuttingDown();
    const after = await scrape(metrics);
    expect(after.value('ephemos_config_last_load_success_timestamp_seconds')).toBe(1_700_000_000.5);
    expect(after.value('ephemos_shutdown_in_progress')).toBe(1);
  });

  it('the metrics of the process are there, without the gauges that are named like counters', async () => {
    using metrics = createMetrics(options);
    const seen = await scrape(metrics);
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_heap_size_used_bytes',
      'nodejs_eventloop_lag_p99_seconds',
    ])
      expect(seen.value(name)).toBeGreaterThanOrEqual(0);
    expect(seen.series.filter(({ name }) => /^nodejs_active_\w+_total$/.test(name))).toEqual([]);
  });
});
