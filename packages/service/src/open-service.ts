// One configuration in, a production process out: identity, both gates, probes, metrics, logs, traces, reload and a shutdown in order.
import { openX509Source, type X509Source } from 'ephemos';
import type { EphemosError } from 'ephemos/errors';
import { formatAddress } from './config/address.ts';
import { loadConfig } from './config/load-config.ts';
import { createService, type ServiceParts } from './create-service.ts';
import { createHealth } from './health/health.ts';
import { openHealthServer } from './health/open-health-server.ts';
import { endProcess, failProcess, onSignals } from './lifecycle/own-process.ts';
import { createLogger } from './logs/create-logger.ts';
import { createMetrics } from './metrics/create-metrics.ts';
import { openMetricsServer } from './metrics/open-metrics-server.ts';
import { checkRules } from './policy/read-policy.ts';
import type { Service, ServiceOptions } from './service.ts';
import { openTelemetry } from './telemetry/open-telemetry.ts';

// How often a service that waits for its identity says so.
const WAITING_LOG_MS = 30_000;

/**
 * Opens a service: reads its configuration, answers probes and scrapes from then on, and resolves when it has its identity. When it cannot start,
 * the reason is one line on standard error and the process ends: 3 for a configuration, 4 for an identity, 1 for anything else.
 * @example
 * const service = await openService(); // EPHEMOS_CONFIG_PATH
 * service.http((req, res) => res.end(`hello ${peerOf(req).id}`));
 * await service.run(); // until SIGTERM
 * @throws {EphemosError} with `ownsProcess: false`: ERR_CONFIG_INVALID, ERR_ENDPOINT_MISSING, ERR_LISTEN_FAILED, ERR_IDENTITY_* and ERR_WORKLOAD_API_*
 */
export async function openService(options: ServiceOptions = {}): Promise<Service> {
  const { ownsProcess = true } = options;
  if (!ownsProcess) return open(options);
  // A service may wait for its identity for long, and as process 1 of a container it hears no signal that it does not ask for.
  const stopped = new AbortController();
  const offSignals = onSignals({ stop: () => stopped.abort(), reload: () => undefined });
  try {
    const signal = options.signal === undefined ? stopped.signal : AbortSignal.any([options.signal, stopped.signal]);
    const service = await open({ ...options, signal });
    if (!stopped.signal.aborted) return service;
    // The identity came in the very moment.
    await service.stop('a signal');
    return endProcess();
  } catch (error) {
    return stopped.signal.aborted ? endProcess() : failProcess(error);
  } finally {
    offSignals();
  }
}

async function open(options: ServiceOptions): Promise<Service> {
  const { version = process.env['npm_package_version'] ?? 'unknown', logDestination, registry, routeOf } = options;
  const load = { path: options.path, env: options.env, socket: options.socket, checkPolicy: checkRules };
  const config = loadConfig(load);
  const { name } = config.service;
  const telemetry = await openTelemetry();
  const log = createLogger({ level: config.logs.level, service: name, destination: logDestination, traceIds: () => telemetry.traceIds() });
  const health = createHealth({ trustDomain: config.service.domain, interval: config.health.interval, timeout: config.health.timeout });
  const metrics = createMetrics({ service: name, version, registry, readiness: () => health.ready(), routeOf });
  metrics.configLoaded(new Date());
  health.onChange(({ ok, checks }) => {
    if (ok) log.info('ready');
    else log.warn({ failing: checks.filter((check) => !check.ok).map((check) => check.name) }, 'not ready');
  });
  const parts: ServiceParts = { config, telemetry, health, metrics, log, services: new Set() };
  // Closed in the other direction when a later one cannot be opened.
  const opened: { close(): unknown }[] = [telemetry, metrics, health];
  try {
    const healthServer = await openHealthServer({
      address: config.health.address,
      health,
      services: () => parts.services,
      onError: (err) => log.error({ err }, 'the probes have a problem'),
    });
    opened.push(healthServer);
    const metricsServer = config.metrics.enabled
      ? await openMetricsServer({
          address: config.metrics.address,
          path: config.metrics.path,
          registry: metrics.registry,
          onError: (err) => log.error({ err }, 'the metrics have a problem'),
        })
      : undefined;
    if (metricsServer !== undefined) opened.push(metricsServer);
    log.info(
      {
        version,
        files: config.files.map(({ path }) => path),
        spiffe_id: String(config.service.spiffeId),
        health: formatAddress(healthServer.address),
        metrics: metricsServer === undefined ? undefined : formatAddress(metricsServer.address),
      },
      'starting',
    );
    const source = await openIdentity(parts, options);
    opened.push(source);
    return createService(parts, { source, healthServer, metricsServer, load, ownsProcess: options.ownsProcess ?? true });
  } catch (error) {
    if (options.signal?.aborted === true) log.info('stopped before there was an identity');
    for (const each of opened.reverse()) await each.close();
    throw error;
  }
}

async function openIdentity(
  { config, health, log, metrics, telemetry }: ServiceParts,
  { identityTimeout = Infinity, signal }: ServiceOptions,
): Promise<X509Source> {
  let reason: EphemosError | undefined;
  const sayWaiting = (): void => void (reason !== undefined && log.warn({ err: reason }, 'waiting for an identity'));
  const again = setInterval(sayWaiting, WAITING_LOG_MS).unref();
  try {
    const source = await openX509Source({
      endpoint: config.socket?.endpoint,
      id: config.service.spiffeId,
      timeout: identityTimeout,
      signal,
      onWaiting(why) {
        reason = why;
        health.setWaiting(why);
        sayWaiting();
      },
    });
    health.setSource(source);
    metrics.setSource(source);
    telemetry.setSource(source);
    log.info({ spiffe_id: String(source.svid.id), expires_at: new Date(source.svid.notAfter).toISOString() }, 'identity');
    return source;
  } finally {
    clearInterval(again);
  }
}
