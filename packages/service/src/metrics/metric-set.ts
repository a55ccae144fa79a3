// Metrics that all carry the label `service`: made one by one, put into a registry all together or not at all.
import { EphemosError } from 'ephemos/errors';
import { Counter, Gauge, type Metric, type OpenMetricsContentType, type PrometheusContentType, type Registry } from 'prom-client';
import { DurationHistogram, type Observe } from './duration-histogram.ts';

export type { Observe } from './duration-histogram.ts';

/** A registry of prom-client, for either format. */
export type MetricsRegistry = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>;

/** What a metric is called and what it says. */
export interface Definition<L extends string> {
  readonly name: string;
  readonly help: string;
  /** Besides `service`. */
  readonly labels?: readonly L[] | undefined;
}

/** One series at the moment of a scrape. */
export type Sample<L extends string> = readonly [value: number, labels: Readonly<Record<L, string>>];

/** Reads the series of a metric. Called for every scrape: whatever it does not yield is not shown. */
export type Read<L extends string> = () => Iterable<Sample<L>>;

/** Makes metrics and registers them. What is counted is kept by whoever counts: a scrape asks for it. */
export interface MetricSet {
  /** The label that every metric has. */
  readonly constant: { readonly service: string };
  gauge<L extends string = never>(definition: Definition<L>, read: Read<L>): void;
  counter<L extends string = never>(definition: Definition<L>, read: Read<L>): void;
  /** Makes a histogram. What it returns makes its series, each of which is shown from then on. */
  histogram<L extends string>(definition: Definition<L>, buckets: readonly number[]): (labels: Readonly<Record<L, string>>) => Observe;
  /** Takes in a metric that was made elsewhere. */
  adopt(name: string, metric: Metric): void;
  /**
   * Puts every metric into a registry. Returns the way to take them out again.
   * @throws {EphemosError} ERR_OPTION_INVALID when one of the names is taken
   */
  register(registry: MetricsRegistry): () => void;
}

/** Makes an empty set. */
export function createMetricSet(service: string): MetricSet {
  const constant = Object.freeze({ service });
  const metrics = new Map<string, Metric>();

  function configurationOf<L extends string>({ name, help, labels = [] }: Definition<L>) {
    const labelNames: readonly (L | 'service')[] = ['service', ...labels];
    return { name, help, labelNames, registers: [] };
  }

  function adopt(name: string, metric: Metric): void {
    metrics.set(name, metric);
  }

  return {
    constant,
    gauge(definition, read) {
      const gauge = new Gauge({
        ...configurationOf(definition),
        collect() {
          gauge.reset();
          for (const [value, labels] of read()) gauge.set({ ...constant, ...labels }, value);
        },
      });
      adopt(definition.name, gauge);
    },
    counter(definition, read) {
      const counter = new Counter({
        ...configurationOf(definition),
        collect() {
          counter.reset();
          for (const [value, labels] of read()) counter.inc({ ...constant, ...labels }, value);
        },
      });
      adopt(definition.name, counter);
    },
    histogram(definition, buckets) {
      const histogram = new DurationHistogram({ ...configurationOf(definition), buckets });
      adopt(definition.name, histogram);
      return (labels) => histogram.open({ ...constant, ...labels });
    },
    adopt,
    register(registry) {
      const taken = [...metrics.keys()].filter((name) => registry.getSingleMetric(name) !== undefined);
      if (taken.length > 0) {
        throw new EphemosError('ERR_OPTION_INVALID', `the registry has metrics of these names already: ${taken.join(', ')}`, {
          hint: 'rename those, or leave out registry and use the one that is made',
        });
      }
      for (const metric of metrics.values()) registry.registerMetric(metric);
      return () => {
        for (const [name, metric] of metrics) if (registry.getSingleMetric(name) === metric) registry.removeSingleMetric(name);
      };
    },
  };
}
