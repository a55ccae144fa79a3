// The names of all series that a service exports, for whoever reads rules and dashboards.
import { createMetrics } from './create-metrics.ts';

/** The names of all series that a service exports; of a histogram or summary those that it is scraped as, too. */
export function metricNames(): readonly string[] {
  using metrics = createMetrics({ service: 'any', version: '0', readiness: () => ({ ok: true, checks: [] }) });
  return metrics.registry.getMetricsAsArray().flatMap(({ name, type }) => {
    const isDistribution = /^(histogram|summary)$/.test(String(type));
    return isDistribution ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
  });
}
