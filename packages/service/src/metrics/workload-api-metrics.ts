// The stream to the Workload API as metrics: whether it stands, what went wrong with it, how often it came back.
import type { ErrorCode } from 'ephemos/errors';
import { hear } from './channel.ts';
import type { MetricSet } from './metric-set.ts';
import type { MetricsSource, SourceMetrics } from './metrics-source.ts';

/** The one RPC that a source calls. */
const RPC = 'FetchX509SVID';

/** Adds the metrics of the stream. Before a source is followed, every failure is that of the source that is being opened. */
export function addWorkloadApiMetrics(set: MetricSet): SourceMetrics {
  let source: MetricsSource | undefined;
  const errors = new Map<ErrorCode, number>([
    ['ERR_WORKLOAD_API_PERMISSION_DENIED', 0],
    ['ERR_WORKLOAD_API_RESPONSE_INVALID', 0],
    ['ERR_WORKLOAD_API_UNAVAILABLE', 0],
  ]);
  let reconnects = 0;
  let lostAt: number | undefined;

  // A source tells nobody that its stream is back when that brought nothing new. But the time of its last message moves.
  function noticeReturn(): void {
    const now = performance.now();
    const { ageMs } = source?.health ?? {};
    if (lostAt === undefined || ageMs === undefined || now - ageMs <= lostAt) return;
    lostAt = undefined;
    reconnects += 1;
  }

  const unhear = hear('sourceError', ({ error }) => {
    // The channel tells of every source in this process.
    if (source !== undefined && source.health.lastError !== error) return;
    errors.set(error.code, (errors.get(error.code) ?? 0) + 1);
    // When one message was refused the stream still stands.
    if (source === undefined || source.health.connected) return;
    noticeReturn();
    lostAt ??= performance.now();
  });

  set.gauge({ name: 'ephemos_spire_agent_connection_status', help: 'Whether the stream to the Workload API stands: 1 or 0.' }, () => [
    [source?.health.connected === true ? 1 : 0, {}],
  ]);
  set.counter(
    {
      name: 'ephemos_workload_api_stream_reconnects_total',
      help: 'How often the stream to the Workload API was lost and came back.',
      labels: ['rpc'],
    },
    () => {
      noticeReturn();
      return [[reconnects, { rpc: RPC }]];
    },
  );
  set.counter(
    {
      name: 'ephemos_workload_api_errors_total',
      help: 'Updates that were refused, and streams that failed or could not be opened, by error code.',
      labels: ['rpc', 'code'],
    },
    () => Array.from(errors, ([code, count]) => [count, { rpc: RPC, code }] as const),
  );

  return {
    follow(next) {
      source = next;
      lostAt = undefined;
      return next.subscribe(noticeReturn);
    },
    close: unhear,
  };
}
