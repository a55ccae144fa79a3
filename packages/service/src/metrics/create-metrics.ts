// Turns what a service does into metrics for Prometheus: its source and the channels of the library in, a registry out.
import type { ServedRequest } from 'ephemos';
import { EphemosError } from 'ephemos/errors';
import { Registry } from 'prom-client';
import { addConnectionMetrics } from './connection-metrics.ts';
import { addDecisionMetrics } from './decision-metrics.ts';
import { addHttpMetrics, type RouteOf } from './http-metrics.ts';
import { addIdentityMetrics } from './identity-metrics.ts';
import { createMetricSet, type MetricsRegistry } from './metric-set.ts';
import type { MetricsSource } from './metrics-source.ts';
import { addProcessMetrics, PROCESS_METRIC } from './process-metrics.ts';
import { addRpcMetrics } from './rpc-metrics.ts';
import { addServiceMetrics, type Readiness } from './service-metrics.ts';
import { addWorkloadApiMetrics } from './workload-api-metrics.ts';

/** What {@link createMetrics} takes. */
export interface MetricsOptions {
  /** Name of the service: the label `service` of every metric. */
  readonly service: string;
  /** What is shown in `ephemos_build_info`. */
  readonly version: string;
  /** Our identity, when it is there already. */
  readonly source?: MetricsSource | undefined;
  /** A registry of your own. Metrics of the process that it collects already are left alone. */
  readonly registry?: MetricsRegistry | undefined;
  /** Whether the service takes calls; asked for every scrape. Without it there are no metrics of that. */
  readonly readiness?: (() => Readiness) | undefined;
  readonly routeOf?: RouteOf | undefined;
}

/** The metrics of a process. */
export interface Metrics extends Disposable {
  readonly registry: MetricsRegistry;
  /** Counts and times a request, when it has ended. */
  observeRequest(request: ServedRequest): void;
  /** The identity, once it is there. */
  setSource(source: MetricsSource): void;
  /** A configuration, or a policy, was taken into use. */
  configLoaded(at: Date): void;
  setShuttingDown(): void;
  /** Stops listening and takes the metrics out of the registry. */
  close(): void;
}

/**
 * Makes the metrics of a process. They listen to everything that happens in it; a registry of prom-client that belongs to others is not touched.
 * @example
 * const metrics = createMetrics({ service: 'orders', version: '1.4.0', source });
 * const server = createServer({ source, authorize, intercept: (request, next) => (metrics.observeRequest(request), next()) });
 * @throws {EphemosError} ERR_OPTION_INVALID when the registry has a metric of one of these names
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const { service, version, readiness, routeOf } = options;
  const registry = options.registry ?? createRegistry(service);
  const set = createMetricSet(checkName(service));
  let unfollow: readonly (() => void)[] = [];

  const ofSource = [addIdentityMetrics(set), addWorkloadApiMetrics(set), addDecisionMetrics(set)];
  const stops = [...ofSource.map((each) => each.close), addConnectionMetrics(set)];
  const { configLoaded, setShuttingDown } = addServiceMetrics(set, { version, readiness });
  const observeHttp = addHttpMetrics(set, routeOf);
  const observeRpc = addRpcMetrics(set);
  if (registry.getSingleMetric(PROCESS_METRIC) === undefined) addProcessMetrics(set);
  try {
    stops.push(set.register(registry));
  } catch (error) {
    close();
    throw error;
  }
  if (options.source !== undefined) setSource(options.source);

  function observeRequest(request: ServedRequest): void {
    // It lasts as long as its connection, which says nothing about how fast requests are answered.
    if (request.upgrade) return;
    const startedAt = performance.now();
    const observe = request.protocol === 'grpc' ? observeRpc : observeHttp;
    request.onEnd((end) => observe(request, end, (performance.now() - startedAt) / 1000));
  }

  function setSource(next: MetricsSource): void {
    for (const stop of unfollow) stop();
    unfollow = ofSource.map((each) => each.follow(next));
  }

  function close(): void {
    for (const stop of [...stops.splice(0), ...unfollow]) stop();
    unfollow = [];
  }

  return { registry, observeRequest, setSource, configLoaded, setShuttingDown, close, [Symbol.dispose]: close };
}

// What users add to our registry gets the label too.
function createRegistry(service: string): MetricsRegistry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  return registry;
}

function checkName(service: unknown): string {
  if (typeof service === 'string' && service !== '') return service;
  throw new EphemosError('ERR_OPTION_INVALID', 'service must be the name of the service');
}
