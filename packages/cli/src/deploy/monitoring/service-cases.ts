// Tests of the rules about services: each alert fires, is silent a moment before, and clears. What the series say is in their notation: `1x5` is six ones.
import { type Firing, labelled, type RuleCase } from './rule-case.ts';

const WHERE = { job: 'ephemos', instance: 'orders:9090', service: 'orders' } as const;
const OF = labelled(WHERE);
const SERVICE = { job: 'ephemos', service: 'orders' } as const;
const ROLE = { ...SERVICE, role: 'server' } as const;

const firing = (description: string, labels: Readonly<Record<string, string>> = WHERE): readonly Firing[] => [{ labels, description }];
const NOTHING: readonly Firing[] = [];

/** An SVID of an hour, renewed much too late. */
const renewedAt = (minute: number): Readonly<Record<string, string>> => ({
  [`ephemos_svid_not_after_timestamp_seconds{${OF}}`]: `3600x${minute - 1} 7200x30`,
  [`ephemos_svid_not_before_timestamp_seconds{${OF}}`]: `-10x${minute - 1} 3590x30`,
  // Lives for five minutes, and is renewed in time.
  'ephemos_svid_not_after_timestamp_seconds{job="ephemos", instance="short:9090", service="short"}': '200+60x90',
  'ephemos_svid_not_before_timestamp_seconds{job="ephemos", instance="short:9090", service="short"}': '-110+60x90',
});

/** Once a second all the time, and half as often what fails from the 6th to the 25th minute. */
const FAILS_FOR_A_WHILE = '0x5 30+30x19 600x30';

/** The cases. */
export const serviceCases: readonly RuleCase[] = [
  {
    alert: 'CertificateExpiringSoon',
    series: renewedAt(58),
    expect: [
      [56, NOTHING],
      [57, firing('The SVID of orders at orders:9090 has 3m 0s left. Without a new one it can neither call nor be called.')],
      [58, NOTHING],
    ],
  },
  {
    alert: 'CertificateNotRotating',
    series: renewedAt(45),
    expect: [
      [42, NOTHING],
      [43, firing('The SVID of orders at orders:9090 has 28.25% of its life left. SPIRE renews it at half.')],
      [45, NOTHING],
    ],
  },
  {
    alert: 'SPIREAgentDown',
    series: { [`ephemos_spire_agent_connection_status{${OF}}`]: '1x5 0x9 1x5' },
    expect: [
      [10, NOTHING],
      [11, firing('orders at orders:9090 has no stream to the Workload API. It goes on with the SVID it has, until that expires.')],
      [16, NOTHING],
    ],
  },
  {
    // Never given one, then given one, then withdrawn, then ended.
    alert: 'EphemosNoSVID',
    series: {
      [`ephemos_build_info{${OF}, version="1.0.0", node_version="24.1.0"}`]: '1x19 stale',
      [`ephemos_svid_not_after_timestamp_seconds{${OF}}`]: '_ _ _ _ _ 9999x5 stale',
    },
    expect: [
      [1, NOTHING],
      ...[2, 13].map(
        (minute) =>
          [
            minute,
            firing('orders at orders:9090 runs without an SVID: it was never given one, or it was withdrawn. It takes no call.', {
              ...WHERE,
              version: '1.0.0',
              node_version: '24.1.0',
            }),
          ] as const,
      ),
      [6, NOTHING],
      [20, NOTHING],
    ],
  },
  {
    alert: 'TrustBundleExpiringSoon',
    series: { [`ephemos_trust_bundle_not_after_timestamp_seconds{${OF}, trust_domain="prod.acme.com"}`]: '100000x250 1000000x10' },
    expect: [
      [241, NOTHING],
      [
        242,
        firing(
          'The last authority of prod.acme.com that orders at orders:9090 knows expires in 23h 44m 40s. Then no peer of that trust domain is believed any more.',
          { ...WHERE, trust_domain: 'prod.acme.com' },
        ),
      ],
      [251, NOTHING],
    ],
  },
  {
    alert: 'TrustBundleGrowing',
    series: { [`ephemos_trust_bundle_authorities{${OF}, trust_domain="prod.acme.com"}`]: '2x5 7x39 2x5' },
    expect: [
      [35, NOTHING],
      [
        36,
        firing(
          'orders at orders:9090 has 7 authorities of prod.acme.com. Mostly a SPIRE server makes a new one with each start, since it does not keep its keys.',
          { ...WHERE, trust_domain: 'prod.acme.com' },
        ),
      ],
      [46, NOTHING],
    ],
  },
  {
    // Slow from the 11th to the 30th minute. Then it clears, which the guide's histogram of a whole life would not. A service that makes a handshake now
    // and then is not asked.
    alert: 'HighmTLSHandshakeLatency',
    series: {
      [`ephemos_tls_handshake_duration_seconds_bucket{${OF}, role="server", le="1"}`]: '0+60x10 600x19 660+60x39',
      [`ephemos_tls_handshake_duration_seconds_bucket{${OF}, role="server", le="2.5"}`]: '0+60x70',
      [`ephemos_tls_handshake_duration_seconds_bucket{${OF}, role="server", le="+Inf"}`]: '0+60x70',
      [`ephemos_tls_handshake_duration_seconds_count{${OF}, role="server"}`]: '0+60x70',
      'ephemos_tls_handshake_duration_seconds_bucket{job="ephemos", service="quiet", role="server", le="1"}': '0x70',
      'ephemos_tls_handshake_duration_seconds_bucket{job="ephemos", service="quiet", role="server", le="+Inf"}': '0+3x70',
      'ephemos_tls_handshake_duration_seconds_count{job="ephemos", service="quiet", role="server"}': '0+3x70',
    },
    expect: [
      [20, NOTHING],
      [21, firing('One in twenty handshakes of orders (as server) takes longer than 2.425s.', ROLE)],
      [40, NOTHING],
    ],
  },
  {
    alert: 'HighmTLSHandshakeFailureRatio',
    series: {
      [`ephemos_tls_handshake_duration_seconds_count{${OF}, role="server"}`]: '0+60x50',
      [`ephemos_tls_handshake_failures_total{${OF}, role="server", reason="expired"}`]: FAILS_FOR_A_WHILE,
      // A third of three a minute.
      'ephemos_tls_handshake_duration_seconds_count{job="ephemos", service="quiet", role="server"}': '0+2x50',
      'ephemos_tls_handshake_failures_total{job="ephemos", service="quiet", role="server", reason="expired"}': '0+1x50',
    },
    expect: [
      [16, NOTHING],
      [
        17,
        firing(
          '33.33% of the handshakes of orders (as server) fail. The label reason of ephemos_tls_handshake_failures_total says why.',
          ROLE,
        ),
      ],
      [31, NOTHING],
    ],
  },
  {
    alert: 'EphemosConnectionLimitReached',
    series: {
      [`ephemos_tls_handshake_failures_total{${OF}, role="server", reason="limit"}`]: FAILS_FOR_A_WHILE,
      'ephemos_tls_handshake_failures_total{job="ephemos", service="other", role="server", reason="io"}': '0+60x50',
    },
    expect: [
      [10, NOTHING],
      [
        11,
        firing(
          'orders turns 0.50 connections a second away, since one of its limits is reached: in all, from one address, or handshakes in flight.',
          SERVICE,
        ),
      ],
      [31, NOTHING],
    ],
  },
  {
    alert: 'EphemosRequestErrors',
    series: {
      [`http_server_request_duration_seconds_count{${OF}, http_response_status_code="200"}`]: '0+60x50',
      [`http_server_request_duration_seconds_count{${OF}, http_response_status_code="503"}`]: FAILS_FOR_A_WHILE,
      [`rpc_server_call_duration_seconds_count{${OF}, rpc_status_code="OK", error_type=""}`]: '0x50',
      'rpc_server_call_duration_seconds_count{job="ephemos", service="prices", rpc_status_code="INTERNAL", error_type="INTERNAL"}':
        FAILS_FOR_A_WHILE,
      'http_server_request_duration_seconds_count{job="ephemos", service="fine", http_response_status_code="404"}': '0+60x50',
    },
    expect: [
      [16, NOTHING],
      [
        17,
        [
          ...firing('orders fails 33.33% of the calls that it admits, with 5xx or an error of gRPC.', SERVICE),
          ...firing('prices fails 100% of the calls that it admits, with 5xx or an error of gRPC.', { ...SERVICE, service: 'prices' }),
        ],
      ],
      [31, NOTHING],
    ],
  },
  {
    alert: 'EphemosCallersDenied',
    series: {
      [`ephemos_authorization_decisions_total{${OF}, decision="deny", reason="no_rule_for_peer", peer_trust_domain="prod.acme.com"}`]:
        FAILS_FOR_A_WHILE,
      [`ephemos_authorization_decisions_total{${OF}, decision="allow", reason="rule", peer_trust_domain="prod.acme.com"}`]: '0+60x50',
    },
    expect: [
      [16, NOTHING],
      [
        17,
        firing('orders denies 0.50 connections and requests a second: no_rule_for_peer. Its audit log names the callers.', {
          ...SERVICE,
          reason: 'no_rule_for_peer',
        }),
      ],
      [31, NOTHING],
    ],
  },
  {
    alert: 'EphemosNotReady',
    series: {
      [`ephemos_ready{${OF}}`]: '1x5 0x9 1x5',
      [`ephemos_shutdown_in_progress{${OF}}`]: '0x20',
      'ephemos_ready{job="ephemos", instance="ends:9090", service="ends"}': '0x20',
      'ephemos_shutdown_in_progress{job="ephemos", instance="ends:9090", service="ends"}': '1x20',
    },
    expect: [
      [10, NOTHING],
      [11, firing('orders at orders:9090 takes no calls. ephemos_health_check_status names the check that fails.')],
      [16, NOTHING],
    ],
  },
  {
    alert: 'EphemosTargetDown',
    series: { 'up{job="ephemos", instance="orders:9090"}': '1x5 0x9 1x5', 'up{job="node", instance="orders:9100"}': '0x20' },
    expect: [
      [10, NOTHING],
      [
        11,
        firing('orders:9090 of the job ephemos cannot be scraped. Nothing else that is asked about it can alert.', {
          job: 'ephemos',
          instance: 'orders:9090',
        }),
      ],
      [16, NOTHING],
    ],
  },
  {
    alert: 'EphemosMetricsAbsent',
    series: { [`ephemos_build_info{${OF}}`]: '_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ 1x5' },
    expect: [
      [9, NOTHING],
      [10, firing('The job ephemos has no service at all. Until that is mended no alert about services can fire.', { job: 'ephemos' })],
      [15, NOTHING],
    ],
  },
  {
    alert: 'EphemosRestarting',
    series: { [`process_start_time_seconds{${OF}}`]: '100x5 200x2 300x2 400x20' },
    expect: [
      [11, NOTHING],
      [12, firing('orders at orders:9090 was started 3 times within a quarter of an hour.')],
      [22, NOTHING],
    ],
  },
];
