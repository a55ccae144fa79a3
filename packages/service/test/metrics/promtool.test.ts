import { once } from 'node:events';
import { get } from 'node:http';
import { createTestAuthority } from '@ephemos/dev';
import { authorizeAny, authorizeId, createFetch, createServer } from 'ephemos';
import { describe, expect, it } from 'vitest';
import { openMetricsServer } from '../../src/metrics/open-metrics-server.ts';
import { checkMetrics, findPromtool } from './promtool.ts';
import { parseScrape } from './scrape.ts';
import { host, ORDERS, openMetricsWorld, WEB } from './world.ts';

const promtool = findPromtool();

/** Every metric of this package, with traffic behind it. */
const names = [
  'ephemos_authorization_decisions_total',
  'ephemos_build_info',
  'ephemos_certificate_expiry_seconds',
  'ephemos_config_last_load_success_timestamp_seconds',
  'ephemos_health_check_status',
  'ephemos_ready',
  'ephemos_shutdown_in_progress',
  'ephemos_spire_agent_connection_status',
  'ephemos_svid_info',
  'ephemos_svid_last_rotation_timestamp_seconds',
  'ephemos_svid_not_after_timestamp_seconds',
  'ephemos_svid_not_before_timestamp_seconds',
  'ephemos_svid_rotations_total',
  'ephemos_tls_active_connections',
  'ephemos_tls_handshake_duration_seconds_bucket',
  'ephemos_tls_handshake_failures_total',
  'ephemos_trust_bundle_authorities',
  'ephemos_trust_bundle_not_after_timestamp_seconds',
  'ephemos_trust_bundle_updates_total',
  'ephemos_workload_api_errors_total',
  'ephemos_workload_api_stream_reconnects_total',
  'http_server_request_duration_seconds_bucket',
  'rpc_server_call_duration_seconds_bucket',
];

/** What Prometheus gets over the port of a service that has served. */
async function realScrape(): Promise<string> {
  const readiness = () => ({ ok: true, checks: [{ name: 'svid', ok: true }] });
  await using world = await openMetricsWorld({ readiness });
  world.metrics.configLoaded(new Date());
  world.authority.federate(createTestAuthority('partner.example'));
  const web = await world.open(WEB);
  const intercept: Parameters<typeof createServer>[0]['intercept'] = (request, next) => {
    world.metrics.observeRequest(request);
    const { method, headers, peer, socket } = request;
    const onEnd = request.onEnd.bind(request);
    const path = '/orders.v1.Orders/Get';
    world.metrics.observeRequest({ protocol: 'grpc', httpVersion: '2', method, path, headers, peer, socket, upgrade: false, onEnd });
    next();
  };
  const server = createServer({ source: world.source, authorize: authorizeId(WEB), intercept }, (_request, response) => response.end('ok'));
  const port = await world.listen(server);
  const fetch = createFetch({ source: web, authorize: authorizeAny() });
  world.atEnd(() => fetch.close());
  expect(await (await fetch(`https://${host}:${port}/`)).text()).toBe('ok');
  await using open = await openMetricsServer({ address: { host, port: 0 }, path: '/metrics', registry: world.metrics.registry });
  const [response] = await once(get({ host, port: open.address.port, path: '/metrics', agent: false }), 'response');
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  return text;
}

describe('a scrape of a service that has served', () => {
  it('has every metric, and nothing that only one peer has', async () => {
    const text = await realScrape();
    const seen = parseScrape(text);
    expect(names.filter((name) => seen.all(name).length === 0)).toEqual([]);
    // Our own ID is in ephemos_svid_info; that of a caller is nowhere.
    expect(text).toContain(ORDERS);
    expect(text).not.toContain(WEB);
    const keys = seen.series.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).map(String).sort()]));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.skipIf(promtool.path === undefined)(
    `promtool check metrics finds nothing${promtool.missing === undefined ? '' : ` (${promtool.missing})`}`,
    async () => {
      expect(await checkMetrics(promtool.path ?? '', await realScrape())).toEqual({ code: 0, output: '' });
    },
  );
});

describe('findPromtool', () => {
  it('says what to install where it is not there', () => {
    expect(findPromtool({ PATH: '/nonexistent' })).toEqual({ missing: expect.stringContaining('install the package "prometheus"') });
    expect(findPromtool({ EPHEMOS_PROMTOOL: '/nonexistent/promtool' })).toEqual({ missing: expect.stringContaining('cannot be run') });
  });
});
