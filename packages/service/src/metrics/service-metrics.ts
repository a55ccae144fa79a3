// The service as metrics: what was built, whether it is ready, when its configuration was loaded, whether it ends.
import type { MetricSet } from './metric-set.ts';

/** Whether the service takes calls, and the checks that this comes from. */
export interface Readiness {
  readonly ok: boolean;
  readonly checks: Iterable<{ readonly name: string; readonly ok: boolean }>;
}

/** What {@link addServiceMetrics} takes. */
export interface ServiceMetricsOptions {
  readonly version: string;
  /** Asked for every scrape. */
  readonly readiness: (() => Readiness) | undefined;
}

/** What the service tells. */
export interface ServiceMetrics {
  configLoaded(at: Date): void;
  setShuttingDown(): void;
}

/** Adds the metrics of the service. */
export function addServiceMetrics(set: MetricSet, { version, readiness }: ServiceMetricsOptions): ServiceMetrics {
  let configLoadedAt: number | undefined;
  let shuttingDown = false;

  set.gauge({ name: 'ephemos_build_info', help: 'What runs here; always 1.', labels: ['version', 'node_version'] }, () => [
    [1, { version, node_version: process.versions.node }],
  ]);
  set.gauge({ name: 'ephemos_shutdown_in_progress', help: 'Whether the process is shutting down: 1 or 0.' }, () => [
    [numberOf(shuttingDown), {}],
  ]);
  set.gauge(
    {
      name: 'ephemos_config_last_load_success_timestamp_seconds',
      help: 'When the configuration or policy in force was loaded, as a Unix time.',
    },
    () => (configLoadedAt === undefined ? [] : [[configLoadedAt / 1000, {}]]),
  );
  if (readiness !== undefined) {
    set.gauge({ name: 'ephemos_ready', help: 'Whether the service takes calls: 1 or 0.' }, () => [[numberOf(readiness().ok), {}]]);
    set.gauge({ name: 'ephemos_health_check_status', help: 'Whether a check of readiness passes: 1 or 0.', labels: ['check'] }, () =>
      Array.from(readiness().checks, ({ name, ok }) => [numberOf(ok), { check: name }] as const),
    );
  }

  return {
    configLoaded(at) {
      configLoadedAt = at.getTime();
    },
    setShuttingDown() {
      shuttingDown = true;
    },
  };
}

function numberOf(yes: boolean): number {
  return yes ? 1 : 0;
}
