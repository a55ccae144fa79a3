// What is recorded of Ephemos services, and what about them needs somebody. Names of the metrics: packages/service, docs/service.md.
import type { Monitoring } from './monitoring.ts';
import type { Pace } from './pace.ts';
import type { Alert, Recording, RuleGroup } from './rule.ts';
import { SERVICE_SERIES as series, thresholds } from './thresholds.ts';

const SERVICE = 'namespace, job, service';
const ROLE = `${SERVICE}, role`;
const INSTANCE = 'namespace, job, instance';

/** The rules of services. */
export function serviceRules(monitoring: Monitoring, pace: Pace): readonly RuleGroup[] {
  return [
    { name: 'ephemos-identity', alerts: [...identityAlerts(pace), ...trustAlerts(monitoring, pace)] },
    { name: 'ephemos-connections', recordings: connectionRecordings(pace), alerts: connectionAlerts(pace) },
    { name: 'ephemos-requests', recordings: requestRecordings(pace), alerts: requestAlerts(pace) },
    { name: 'ephemos-processes', alerts: processAlerts(monitoring, pace) },
  ];
}

// The timestamps are compared with the clock of Prometheus, so that they go on when a service has stopped to count. An SVID that lives for minutes is
// always near its end: below a third of its life SPIRE has missed the renewal, which is due at half of it, give or take a tenth.
function identityAlerts(pace: Pace): readonly Alert[] {
  const life = 'ephemos_svid_not_after_timestamp_seconds - ephemos_svid_not_before_timestamp_seconds';
  const overdue = `(ephemos_svid_not_after_timestamp_seconds - time())\n/ (${life})\n< ${thresholds.lifeLeft}`;
  return [
    {
      alert: 'CertificateExpiringSoon',
      expr: `ephemos_svid_not_after_timestamp_seconds - time() < ${pace.seconds(thresholds.expiry)}\nand ${overdue}`,
      hold: '1m',
      severity: 'critical',
      summary: 'An SVID is about to expire',
      description:
        'The SVID of {{ $labels.service }} at {{ $labels.instance }} has {{ $value | humanizeDuration }} left. Without a new one it can neither call nor be called.',
    },
    {
      alert: 'CertificateNotRotating',
      expr: overdue,
      hold: '2m',
      severity: 'warning',
      summary: 'An SVID was not renewed in time',
      description:
        'The SVID of {{ $labels.service }} at {{ $labels.instance }} has {{ $value | humanizePercentage }} of its life left. SPIRE renews it at half.',
    },
    {
      alert: 'SPIREAgentDown',
      expr: 'ephemos_spire_agent_connection_status == 0',
      hold: '5m',
      severity: 'critical',
      summary: 'A service has lost its SPIRE agent',
      description:
        '{{ $labels.service }} at {{ $labels.instance }} has no stream to the Workload API. It goes on with the SVID it has, until that expires.',
    },
    {
      alert: 'EphemosNoSVID',
      expr: `ephemos_build_info\nunless on (${INSTANCE}) ephemos_svid_not_after_timestamp_seconds`,
      hold: '2m',
      severity: 'critical',
      summary: 'A service has no identity',
      description:
        '{{ $labels.service }} at {{ $labels.instance }} runs without an SVID: it was never given one, or it was withdrawn. It takes no call.',
    },
  ];
}

function trustAlerts({ authority }: Monitoring, pace: Pace): readonly Alert[] {
  return [
    {
      alert: 'TrustBundleExpiringSoon',
      expr: `ephemos_trust_bundle_not_after_timestamp_seconds - time() < ${pace.seconds(authority) / thresholds.bundleShare}`,
      hold: '15m',
      severity: 'critical',
      summary: 'All authorities of a trust domain are about to expire',
      description:
        'The last authority of {{ $labels.trust_domain }} that {{ $labels.service }} at {{ $labels.instance }} knows expires in {{ $value | humanizeDuration }}. Then no peer of that trust domain is believed any more.',
    },
    {
      alert: 'TrustBundleGrowing',
      expr: `ephemos_trust_bundle_authorities > ${thresholds.authorities}`,
      hold: '30m',
      severity: 'warning',
      summary: 'A trust bundle has too many authorities',
      description:
        '{{ $labels.service }} at {{ $labels.instance }} has {{ $value }} authorities of {{ $labels.trust_domain }}. Mostly a SPIRE server makes a new one with each start, since it does not keep its keys.',
    },
  ];
}

function connectionRecordings(pace: Pace): readonly Recording[] {
  const range = pace.length('5m');
  const made = `sum by (${ROLE}) (rate(ephemos_tls_handshake_duration_seconds_count[${range}]))`;
  const failed = `sum by (${ROLE}) (rate(ephemos_tls_handshake_failures_total[${range}]))`;
  return [
    {
      record: series.handshakeP95,
      expr: `histogram_quantile(\n  0.95,\n  sum by (${ROLE}, le) (rate(ephemos_tls_handshake_duration_seconds_bucket[${range}]))\n)`,
    },
    { record: series.handshakes, expr: made },
    { record: series.handshakeFailures, expr: failed },
    { record: series.handshakeFailureRatio, expr: `${series.handshakeFailures}\n/ (${series.handshakeFailures} + ${series.handshakes})` },
  ];
}

function connectionAlerts(pace: Pace): readonly Alert[] {
  const range = pace.length('5m');
  const where = '{{ $labels.service }} (as {{ $labels.role }})';
  return [
    {
      alert: 'HighmTLSHandshakeLatency',
      expr: `${series.handshakeP95} > ${thresholds.handshakeSeconds}\nand on (${ROLE}) ${series.handshakes} > ${thresholds.leastRate}`,
      hold: '10m',
      severity: 'warning',
      summary: 'mTLS handshakes are slow',
      description: `One in twenty handshakes of ${where} takes longer than {{ $value | humanizeDuration }}.`,
    },
    {
      alert: 'HighmTLSHandshakeFailureRatio',
      expr: `${series.handshakeFailureRatio} > ${thresholds.failureRatio}\nand on (${ROLE}) ${series.handshakeFailures} > ${thresholds.leastRate}`,
      hold: '10m',
      severity: 'warning',
      summary: 'mTLS handshakes fail',
      description: `{{ $value | humanizePercentage }} of the handshakes of ${where} fail. The label reason of ephemos_tls_handshake_failures_total says why.`,
    },
    {
      alert: 'EphemosConnectionLimitReached',
      expr: `sum by (${SERVICE}) (rate(ephemos_tls_handshake_failures_total{reason="limit"}[${range}])) > 0`,
      hold: '5m',
      severity: 'warning',
      summary: 'A service turns connections away',
      description:
        '{{ $labels.service }} turns {{ printf `%.2f` $value }} connections a second away, since one of its limits is reached: in all, from one address, or handshakes in flight.',
    },
  ];
}

// HTTP and gRPC together. `or`: a family that nothing was counted in has no series.
function requestRecordings(pace: Pace): readonly Recording[] {
  const range = pace.length('5m');
  const sum = (http: string, rpc: string): string =>
    `sum by (${SERVICE}) (\n  rate(http_server_request_duration_seconds_count${http}[${range}])\n  or rate(rpc_server_call_duration_seconds_count${rpc}[${range}])\n)`;
  return [
    { record: series.requests, expr: sum('', '') },
    // Zero where nothing has failed yet.
    { record: series.requestErrors, expr: `${sum('{http_response_status_code=~"5.."}', '{error_type!=""}')}\nor ${series.requests} * 0` },
    { record: series.requestErrorRatio, expr: `${series.requestErrors} / ${series.requests}` },
  ];
}

function requestAlerts(pace: Pace): readonly Alert[] {
  return [
    {
      alert: 'EphemosRequestErrors',
      expr: `${series.requestErrorRatio} > ${thresholds.failureRatio}\nand on (${SERVICE}) ${series.requestErrors} > ${thresholds.leastRate}`,
      hold: '10m',
      severity: 'warning',
      summary: 'A service answers with errors',
      description:
        '{{ $labels.service }} fails {{ $value | humanizePercentage }} of the calls that it admits, with 5xx or an error of gRPC.',
    },
    {
      alert: 'EphemosCallersDenied',
      expr: `sum by (${SERVICE}, reason) (rate(ephemos_authorization_decisions_total{decision="deny"}[${pace.length('5m')}])) > ${thresholds.leastRate}`,
      hold: '10m',
      severity: 'warning',
      summary: 'A service denies callers',
      description:
        '{{ $labels.service }} denies {{ printf `%.2f` $value }} connections and requests a second: {{ $labels.reason }}. Its audit log names the callers.',
    },
  ];
}

function processAlerts({ jobs }: Monitoring, pace: Pace): readonly Alert[] {
  return [
    {
      alert: 'EphemosNotReady',
      expr: 'ephemos_ready == 0\nand ephemos_shutdown_in_progress == 0',
      hold: '5m',
      severity: 'critical',
      summary: 'A service is not ready',
      description:
        '{{ $labels.service }} at {{ $labels.instance }} takes no calls. ephemos_health_check_status names the check that fails.',
    },
    {
      alert: 'EphemosTargetDown',
      expr: `up{job="${jobs.services}"} == 0`,
      hold: '5m',
      severity: 'critical',
      summary: 'A service does not answer its scrapes',
      description: '{{ $labels.instance }} of the job {{ $labels.job }} cannot be scraped. Nothing else that is asked about it can alert.',
    },
    {
      alert: 'EphemosMetricsAbsent',
      expr: `absent(ephemos_build_info{job="${jobs.services}"})`,
      hold: '10m',
      severity: 'critical',
      summary: 'There are no metrics of any service',
      description: 'The job {{ $labels.job }} has no service at all. Until that is mended no alert about services can fire.',
    },
    {
      alert: 'EphemosRestarting',
      expr: `changes(process_start_time_seconds{job="${jobs.services}"}[${pace.length('15m')}]) > ${thresholds.restarts}`,
      severity: 'warning',
      summary: 'A service starts again and again',
      description: '{{ $labels.service }} at {{ $labels.instance }} was started {{ $value }} times within a quarter of an hour.',
    },
  ];
}
