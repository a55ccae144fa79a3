// What the dashboard "Ephemos Services" shows: the three panels of the guide, and what an operator asks next.
import type { Monitoring } from './monitoring.ts';
import { secondsOf } from './pace.ts';
import type { Row } from './panel.ts';
import { spireRow } from './spire-panels.ts';
import { SERVICE_SERIES, thresholds } from './thresholds.ts';

const SELECTED = 'namespace=~"$namespace", service=~"$service"';
const RATE = '[$__rate_interval]';
const OF_INSTANCE = '{{service}} {{instance}}';

/** The rows of the dashboard. */
export function dashboardRows(monitoring: Monitoring): readonly Row[] {
  return [atAGlance(), identity(monitoring), connections(), requests(), processes(monitoring), spireRow(monitoring)];
}

function atAGlance(): Row {
  const expiry = secondsOf(thresholds.expiry);
  return {
    title: 'At a glance',
    panels: [
      {
        title: 'Certificate Expiry',
        type: 'stat',
        description: 'How long the SVID lasts that is nearest to its end. With SVIDs of an hour it stays above a quarter of an hour.',
        unit: 's',
        queries: [{ expr: `min by (service) (ephemos_svid_not_after_timestamp_seconds{${SELECTED}} - time())`, legend: '{{service}}' }],
        steps: [
          { color: 'red', from: null },
          { color: 'orange', from: expiry },
          { color: 'green', from: 3 * expiry },
        ],
        width: 8,
      },
      {
        title: 'SPIRE Agent Connection Status',
        type: 'stat',
        description: 'Whether every instance has its stream to the Workload API.',
        unit: 'none',
        queries: [{ expr: `min by (service) (ephemos_spire_agent_connection_status{${SELECTED}})`, legend: '{{service}}' }],
        words: { '0': 'lost', '1': 'connected' },
        steps: [
          { color: 'red', from: null },
          { color: 'green', from: 1 },
        ],
        width: 8,
      },
      {
        title: 'Not ready',
        type: 'stat',
        description: 'Instances that take no calls.',
        unit: 'none',
        queries: [{ expr: `count(ephemos_ready{${SELECTED}} == 0) or vector(0)`, legend: 'instances' }],
        steps: [
          { color: 'green', from: null },
          { color: 'red', from: 1 },
        ],
        width: 4,
      },
      {
        title: 'Firing alerts',
        type: 'stat',
        description: 'Alerts of the rules that come with this dashboard.',
        unit: 'none',
        queries: [
          {
            expr: 'count(ALERTS{alertstate="firing", alertname=~"Ephemos.+|SPIRE.+|Certificate.+|TrustBundle.+|HighmTLS.+"}) or vector(0)',
            legend: 'alerts',
          },
        ],
        steps: [
          { color: 'green', from: null },
          { color: 'red', from: 1 },
        ],
        width: 4,
      },
    ],
  };
}

function identity({ authority }: Monitoring): Row {
  return {
    title: 'Identity and trust',
    panels: [
      {
        title: 'Life left of SVIDs',
        type: 'timeseries',
        description: 'A saw: SPIRE renews at half of the life. Below a third the renewal was missed.',
        unit: 'percentunit',
        queries: [
          {
            expr: `(ephemos_svid_not_after_timestamp_seconds{${SELECTED}} - time())\n/ (ephemos_svid_not_after_timestamp_seconds{${SELECTED}} - ephemos_svid_not_before_timestamp_seconds{${SELECTED}})`,
            legend: OF_INSTANCE,
          },
        ],
        steps: [
          { color: 'red', from: null },
          { color: 'green', from: thresholds.lifeLeft },
        ],
        width: 8,
      },
      {
        title: 'Authorities in the trust bundles',
        type: 'timeseries',
        description: 'More with every start of a SPIRE server means that it does not keep its keys.',
        unit: 'short',
        queries: [
          {
            expr: `max by (service, trust_domain) (ephemos_trust_bundle_authorities{${SELECTED}})`,
            legend: '{{service}} {{trust_domain}}',
          },
        ],
        width: 8,
      },
      {
        title: 'Until the last authority expires',
        type: 'timeseries',
        description: 'Then no peer of that trust domain is believed any more.',
        unit: 's',
        queries: [
          {
            expr: `min by (service, trust_domain) (ephemos_trust_bundle_not_after_timestamp_seconds{${SELECTED}} - time())`,
            legend: '{{service}} {{trust_domain}}',
          },
        ],
        steps: [
          { color: 'red', from: null },
          { color: 'green', from: secondsOf(authority) / thresholds.bundleShare },
        ],
        width: 8,
      },
      {
        title: 'SVIDs renewed',
        type: 'timeseries',
        description: 'In five minutes, for each service.',
        unit: 'short',
        queries: [{ expr: `sum by (service) (increase(ephemos_svid_rotations_total{${SELECTED}}[5m]))`, legend: '{{service}}' }],
        width: 8,
      },
      {
        title: 'Trouble with the Workload API',
        type: 'timeseries',
        description: 'Updates that were refused and streams that failed, by code.',
        unit: 'ops',
        queries: [
          { expr: `sum by (service, code) (rate(ephemos_workload_api_errors_total{${SELECTED}}${RATE}))`, legend: '{{service}} {{code}}' },
        ],
        width: 8,
      },
      {
        title: 'Lost streams',
        type: 'timeseries',
        description: 'Streams to the Workload API that were lost and came back, in five minutes.',
        unit: 'short',
        queries: [
          { expr: `sum by (service) (increase(ephemos_workload_api_stream_reconnects_total{${SELECTED}}[5m]))`, legend: '{{service}}' },
        ],
        width: 8,
      },
    ],
  };
}

function connections(): Row {
  const quantile = (q: number): string =>
    `histogram_quantile(${q}, sum by (service, role, le) (rate(ephemos_tls_handshake_duration_seconds_bucket{${SELECTED}}${RATE})))`;
  return {
    title: 'Connections',
    panels: [
      {
        title: 'mTLS Handshake Duration',
        type: 'timeseries',
        description: 'From the first byte until the peer was verified and admitted. Those that came to nothing are not in it.',
        unit: 's',
        queries: [
          { expr: quantile(0.5), legend: '{{service}} {{role}} p50' },
          { expr: quantile(0.95), legend: '{{service}} {{role}} p95' },
          { expr: quantile(0.99), legend: '{{service}} {{role}} p99' },
        ],
        steps: [
          { color: 'green', from: null },
          { color: 'red', from: thresholds.handshakeSeconds },
        ],
        width: 12,
      },
      {
        title: 'Handshakes',
        type: 'timeseries',
        description: 'A second, as server and as client.',
        unit: 'ops',
        queries: [
          {
            expr: `sum by (service, role) (rate(ephemos_tls_handshake_duration_seconds_count{${SELECTED}}${RATE}))`,
            legend: '{{service}} {{role}}',
          },
        ],
        width: 12,
      },
      {
        title: 'Failed handshakes by reason',
        type: 'timeseries',
        description: 'Connections that were not made or not admitted.',
        unit: 'ops',
        queries: [
          {
            expr: `sum by (service, role, reason) (rate(ephemos_tls_handshake_failures_total{${SELECTED}}${RATE})) > 0`,
            legend: '{{service}} {{role}} {{reason}}',
          },
        ],
        mayBeEmpty: true,
        width: 8,
      },
      {
        title: 'Part of handshakes that fail',
        type: 'timeseries',
        description: 'Over five minutes, as the alert sees it.',
        unit: 'percentunit',
        queries: [{ expr: `${SERVICE_SERIES.handshakeFailureRatio}{${SELECTED}}`, legend: '{{service}} {{role}}' }],
        steps: [
          { color: 'green', from: null },
          { color: 'red', from: thresholds.failureRatio },
        ],
        width: 8,
      },
      {
        title: 'Open connections',
        type: 'timeseries',
        description: 'To peers that are verified and admitted.',
        unit: 'short',
        queries: [{ expr: `sum by (service, role) (ephemos_tls_active_connections{${SELECTED}})`, legend: '{{service}} {{role}}' }],
        width: 8,
      },
    ],
  };
}

function requests(): Row {
  const quantile = (metric: string): string =>
    `histogram_quantile(0.95, sum by (service, le) (rate(${metric}_bucket{${SELECTED}}${RATE})))`;
  return {
    title: 'Calls',
    panels: [
      {
        title: 'Calls that were admitted',
        type: 'timeseries',
        description: 'A second, HTTP by status and gRPC by method and status.',
        unit: 'reqps',
        queries: [
          {
            expr: `sum by (service, http_response_status_code) (rate(http_server_request_duration_seconds_count{${SELECTED}}${RATE}))`,
            legend: '{{service}} HTTP {{http_response_status_code}}',
          },
          {
            expr: `sum by (service, rpc_method, rpc_status_code) (rate(rpc_server_call_duration_seconds_count{${SELECTED}}${RATE}))`,
            legend: '{{service}} {{rpc_method}} {{rpc_status_code}}',
          },
        ],
        width: 12,
      },
      {
        title: 'Duration of calls (p95)',
        type: 'timeseries',
        description: 'Of those that were admitted.',
        unit: 's',
        queries: [
          { expr: quantile('http_server_request_duration_seconds'), legend: '{{service}} HTTP' },
          { expr: quantile('rpc_server_call_duration_seconds'), legend: '{{service}} gRPC' },
        ],
        width: 12,
      },
      {
        title: 'Part of calls that fail',
        type: 'timeseries',
        description: '5xx and errors of gRPC, over five minutes, as the alert sees it.',
        unit: 'percentunit',
        queries: [{ expr: `${SERVICE_SERIES.requestErrorRatio}{${SELECTED}}`, legend: '{{service}}' }],
        steps: [
          { color: 'green', from: null },
          { color: 'red', from: thresholds.failureRatio },
        ],
        width: 12,
      },
      {
        title: 'Decisions of the policy',
        type: 'timeseries',
        description: 'About connections and about requests, by reason and by the trust domain of the peer.',
        unit: 'ops',
        queries: [
          {
            expr: `sum by (service, decision, reason, peer_trust_domain) (rate(ephemos_authorization_decisions_total{${SELECTED}}${RATE}))`,
            legend: '{{service}} {{decision}} {{reason}} {{peer_trust_domain}}',
          },
        ],
        width: 12,
      },
    ],
  };
}

function processes({ jobs }: Monitoring): Row {
  const selected = `job="${jobs.services}", ${SELECTED}`;
  return {
    title: 'Processes',
    panels: [
      {
        title: 'CPU',
        type: 'timeseries',
        description: 'Of one core.',
        unit: 'percentunit',
        queries: [{ expr: `rate(process_cpu_seconds_total{${selected}}${RATE})`, legend: OF_INSTANCE }],
        width: 6,
      },
      {
        title: 'Memory',
        type: 'timeseries',
        description: 'Resident.',
        unit: 'bytes',
        queries: [{ expr: `process_resident_memory_bytes{${selected}}`, legend: OF_INSTANCE }],
        width: 6,
      },
      {
        title: 'Event loop lag (p99)',
        type: 'timeseries',
        description: 'What every call and handshake waits for at the most, when the process is busy.',
        unit: 's',
        queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${selected}}`, legend: OF_INSTANCE }],
        width: 6,
      },
      {
        title: 'What runs',
        type: 'timeseries',
        description: 'Instances by version, of service and of Node.js.',
        unit: 'short',
        queries: [
          {
            expr: `count by (service, version, node_version) (ephemos_build_info{${SELECTED}})`,
            legend: '{{service}} {{version}} on {{node_version}}',
          },
        ],
        width: 6,
      },
    ],
  };
}
