// Connections as metrics: how long their handshakes took, why there is none, how many there are.
import type { ChannelMessages } from 'ephemos';
import { hear } from './channel.ts';
import type { MetricSet, Observe } from './metric-set.ts';
import { type RefusalReason, refusalReason, refusalReasons } from './refusal-reason.ts';

type Role = ChannelMessages['handshake']['role'];

const ROLES: readonly Role[] = ['server', 'client'];

// Seconds.
const HANDSHAKE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

// What is counted for one side, ready for the next handshake.
interface Side {
  active: number;
  readonly durations: Map<string | null, Observe>;
  readonly failures: Map<RefusalReason, number>;
}

/** Adds the metrics of connections. Returns the way to stop. */
export function addConnectionMetrics(set: MetricSet): () => void {
  const duration = set.histogram(
    {
      name: 'ephemos_tls_handshake_duration_seconds',
      help: 'From the first byte, or for clients from dialling, until the peer was verified and admitted. Those that came to nothing are not in it.',
      labels: ['role', 'tls_protocol_version', 'tls_resumed'],
    },
    HANDSHAKE_BUCKETS,
  );
  // No session is ever resumed (promise 2 of the design).
  const durationOf = (role: Role, protocol: string | null): Observe =>
    duration({ role, tls_protocol_version: protocol?.replace('TLSv', '') ?? '', tls_resumed: 'false' });
  const sides = { server: createSide('server'), client: createSide('client') };

  // Series that are there before they are needed: a counter that appears with its first failure shows no increase.
  function createSide(role: Role): Side {
    return {
      active: 0,
      durations: new Map([['TLSv1.3', durationOf(role, 'TLSv1.3')]]),
      failures: new Map(refusalReasons.map((reason) => [reason, 0])),
    };
  }

  function onHandshake({ role, protocol, seconds }: ChannelMessages['handshake']): void {
    const side = sides[role];
    side.active += 1;
    // Where it is not known.
    if (Number.isNaN(seconds)) return;
    let observe = side.durations.get(protocol);
    if (observe === undefined) {
      observe = durationOf(role, protocol);
      side.durations.set(protocol, observe);
    }
    observe(seconds);
  }

  function onRefused({ role, error, live }: ChannelMessages['refused']): void {
    // The handshake of a live connection was long ago.
    if (live) return;
    const { failures } = sides[role];
    const reason = refusalReason(error);
    failures.set(reason, (failures.get(reason) ?? 0) + 1);
  }

  function onClose({ role }: ChannelMessages['connectionClose']): void {
    const side = sides[role];
    // Of one that was there before us.
    side.active = Math.max(0, side.active - 1);
  }

  set.counter(
    {
      name: 'ephemos_tls_handshake_failures_total',
      help: 'Connections that were not made or not admitted, by reason.',
      labels: ['role', 'reason'],
    },
    () => ROLES.flatMap((role) => Array.from(sides[role].failures, ([reason, count]) => [count, { role, reason }] as const)),
  );
  set.gauge(
    { name: 'ephemos_tls_active_connections', help: 'Connections to verified and admitted peers that are open.', labels: ['role'] },
    () => ROLES.map((role) => [sides[role].active, { role }] as const),
  );

  const stops = [hear('handshake', onHandshake), hear('refused', onRefused), hear('connectionClose', onClose)];
  return () => {
    for (const stop of stops) stop();
  };
}
