// One scrape of a service as what an operator asks: its identity, connections, calls, refusals and agent.
import { type Distribution, distributionOf } from './distribution.ts';
import { parseExposition, type Sample } from './exposition.ts';

/** The SVID that the service holds. */
export interface ShownIdentity {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number | undefined;
  readonly notAfter: number;
  readonly rotations: number;
  /** Milliseconds since 1970. */
  readonly lastRotation: number | undefined;
}

/** The two sides of connections. */
export interface Sides<T> {
  readonly server: T;
  readonly client: T;
}

/** What one scrape says. What the service does not tell is `undefined`. */
export interface Reading {
  readonly service: string | undefined;
  readonly version: string | undefined;
  /** Milliseconds since 1970. */
  readonly startedAt: number | undefined;
  readonly identity: ShownIdentity | undefined;
  readonly agentConnected: boolean | undefined;
  readonly trustDomains: number;
  readonly connections: Sides<number>;
  readonly handshakes: Sides<Distribution>;
  readonly requests: { readonly http: Distribution; readonly grpc: Distribution };
  /** Connections that were not made or not admitted, by whose they were and why, such as `caller: unauthorized`. */
  readonly refused: ReadonlyMap<string, number>;
  /** Denials of the authorizer, by reason. */
  readonly denied: ReadonlyMap<string, number>;
  readonly ready: boolean | undefined;
  readonly failingChecks: readonly string[];
  readonly draining: boolean | undefined;
  readonly residentBytes: number | undefined;
  /** Seconds. */
  readonly eventLoopLag: number | undefined;
}

const HANDSHAKES = 'ephemos_tls_handshake_duration_seconds';
const HTTP = 'http_server_request_duration_seconds';
const GRPC = 'rpc_server_call_duration_seconds';

const wanted: ReadonlySet<string> = new Set([
  ...[HANDSHAKES, HTTP, GRPC].flatMap((name) => [`${name}_count`, `${name}_bucket`]),
  'ephemos_authorization_decisions_total',
  'ephemos_build_info',
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
  'ephemos_tls_handshake_failures_total',
  'ephemos_trust_bundle_authorities',
  'nodejs_eventloop_lag_p99_seconds',
  'process_resident_memory_bytes',
  'process_start_time_seconds',
]);

/** Reads a scrape; `undefined` when there is nothing of Ephemos in it. */
export function readScrape(text: string): Reading | undefined {
  const samples = parseExposition(text, wanted);
  if (!samples.some(({ name }) => name.startsWith('ephemos_'))) return undefined;
  const all = (name: string): readonly Sample[] => samples.filter((sample) => sample.name === name);
  const one = (name: string): number | undefined => all(name)[0]?.value;
  const label = (name: string, key: string): string | undefined => all(name)[0]?.labels.get(key);
  const yes = (name: string): boolean | undefined => {
    const value = one(name);
    return value === undefined ? undefined : value === 1;
  };
  const sides = <T>(of: (role: string) => T): Sides<T> => ({ server: of('server'), client: of('client') });
  const time = (name: string): number | undefined => {
    const seconds = one(name);
    // Outside of that there is no date.
    return seconds === undefined || !(Math.abs(seconds) < 8.64e12) ? undefined : seconds * 1000;
  };

  return {
    service: label('ephemos_build_info', 'service'),
    version: label('ephemos_build_info', 'version'),
    startedAt: time('process_start_time_seconds'),
    identity: identityOf(label('ephemos_svid_info', 'spiffe_id'), time, one),
    agentConnected: yes('ephemos_spire_agent_connection_status'),
    trustDomains: all('ephemos_trust_bundle_authorities').length,
    connections: sides((role) => sum(all('ephemos_tls_active_connections').filter(({ labels }) => labels.get('role') === role))),
    handshakes: sides((role) => distributionOf(samples, HANDSHAKES, (labels) => labels.get('role') === role)),
    requests: { http: distributionOf(samples, HTTP), grpc: distributionOf(samples, GRPC) },
    refused: counts(
      all('ephemos_tls_handshake_failures_total'),
      ({ labels }) => `${labels.get('role') === 'server' ? 'caller' : 'other'}: ${labels.get('reason') ?? ''}`,
    ),
    denied: counts(
      all('ephemos_authorization_decisions_total').filter(({ labels }) => labels.get('decision') === 'deny'),
      ({ labels }) => labels.get('reason') ?? '',
    ),
    ready: yes('ephemos_ready'),
    failingChecks: all('ephemos_health_check_status')
      .filter(({ value }) => value !== 1)
      .map(({ labels }) => labels.get('check') ?? ''),
    draining: yes('ephemos_shutdown_in_progress'),
    residentBytes: one('process_resident_memory_bytes'),
    eventLoopLag: one('nodejs_eventloop_lag_p99_seconds'),
  };
}

function identityOf(
  id: string | undefined,
  time: (name: string) => number | undefined,
  one: (name: string) => number | undefined,
): ShownIdentity | undefined {
  const notAfter = time('ephemos_svid_not_after_timestamp_seconds');
  if (id === undefined || notAfter === undefined) return undefined;
  return {
    id,
    notBefore: time('ephemos_svid_not_before_timestamp_seconds'),
    notAfter,
    rotations: one('ephemos_svid_rotations_total') ?? 0,
    lastRotation: time('ephemos_svid_last_rotation_timestamp_seconds'),
  };
}

function sum(samples: readonly Sample[]): number {
  return samples.reduce((total, { value }) => total + value, 0);
}

function counts(samples: readonly Sample[], keyOf: (sample: Sample) => string): ReadonlyMap<string, number> {
  const totals = new Map<string, number>();
  for (const sample of samples) totals.set(keyOf(sample), (totals.get(keyOf(sample)) ?? 0) + sample.value);
  return totals;
}
