// The process as metrics: those of prom-client for memory, CPU, event loop and garbage collection.
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { MetricSet } from './metric-set.ts';

// Gauges with the name of a counter, which `promtool check metrics` refuses. The same numbers are in those without `_total`.
const MISNAMED: ReadonlySet<string> = new Set([
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]);

/** A metric that is there whenever the others of the process are. */
export const PROCESS_METRIC = 'process_cpu_seconds_total';

/** Adds the metrics of the process. What prom-client watches for them it watches until the process ends. */
export function addProcessMetrics(set: MetricSet): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, labels: set.constant });
  for (const { name } of registry.getMetricsAsArray()) {
    const metric = MISNAMED.has(name) ? undefined : registry.getSingleMetric(name);
    if (metric !== undefined) set.adopt(name, metric);
  }
}
