// One configuration in, a production process out: identity, both gates, probes, metrics, logs, traces, reload and a shutdown in order.
import { authorizeOneOf, type ClientOptions, createFetch, type EphemosFetch, openX509Source, type X509Source } from 'ephemos';
import { type EphemosError, isEphemosError } from 'ephemos/errors';
import { type Callers, openCallers } from './callers/open-callers.ts';
import type { Config } from './config/config.ts';
import { configPath, loadConfig } from './config/load-config.ts';
import { watchConfig } from './config/watch-config.ts';
import { createHealth, type Health } from './health/health.ts';
import { createHealthCalls } from './health/health-calls.ts';
import { type HealthServer, openHealthServer } from './health/open-health-server.ts';
import { restartNeeded } from './lifecycle/differences.ts';
import { endProcess, failProcess, onSignals } from './lifecycle/own-process.ts';
import { shutDown } from './lifecycle/shut-down.ts';
import { createAudit } from './logs/create-audit.ts';
import { createLogger } from './logs/create-logger.ts';
import { createMetrics, type Metrics } from './metrics/create-metrics.ts';
import { type MetricsServer, openMetricsServer } from './metrics/open-metrics-server.ts';
import { createLivePolicy } from './policy/live-policy.ts';
import { checkRules } from './policy/read-policy.ts';
import type { HttpOptions, Service, ServiceAddresses, ServiceOptions } from './service.ts';
import { openTelemetry } from './telemetry/open-telemetry.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

// How often a service that waits for its identity says so.
const WAITING_LOG_MS = 30_000;
// How long traces that the SDK still holds may take to leave.
const FLUSH_MS = 2_000;

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
  try {
    return await open(options);
  } catch (error) {
    if (!ownsProcess) throw error;
    return failProcess(error);
  }
}

/** What is there before the identity. */
interface Parts {
  readonly config: Config;
  readonly telemetry: Telemetry;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly log: ReturnType<typeof createLogger>;
  /** Names of gRPC services that are as ready as the process. */
  readonly services: Set<string>;
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
  const parts: Parts = { config, telemetry, health, metrics, log, services: new Set() };
  const opened: AsyncDisposable[] = [{ [Symbol.asyncDispose]: async () => health.close() }, telemetryCloser(telemetry)];
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
        health: shown(healthServer.address),
        metrics: shown(metricsServer?.address),
      },
      'starting',
    );
    const source = await openIdentity(parts, options);
    opened.push(source);
    return createService(parts, { source, healthServer, metricsServer, load, ownsProcess: options.ownsProcess ?? true });
  } catch (error) {
    for (const each of opened.reverse()) await each[Symbol.asyncDispose]();
    throw error;
  }
}

function telemetryCloser(telemetry: Telemetry): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => telemetry.close() };
}

async function openIdentity(
  { config, health, log, metrics, telemetry }: Parts,
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

/** What was opened for a service. */
interface Opened {
  readonly source: X509Source;
  readonly healthServer: HealthServer;
  readonly metricsServer: MetricsServer | undefined;
  readonly load: { readonly path: ServiceOptions['path'] };
  readonly ownsProcess: boolean;
}

function createService(parts: Parts, opened: Opened): Service {
  const { config, telemetry, health, metrics, log, services } = parts;
  const { source, healthServer, metricsServer, ownsProcess } = opened;
  const livePolicy = createLivePolicy(config);
  const healthCalls = createHealthCalls({ health, services: () => services });
  const audit = createAudit({ log, sample: config.logs.auditSample });
  const stopFollowing = followIdentity(source, log);
  const [draining, force, ended] = [new AbortController(), new AbortController(), new AbortController()];
  const closers: (() => void | Promise<void>)[] = [];
  let current = config;
  let serving: { http?: Parameters<Service['http']>[0]; onUpgrade?: HttpOptions['onUpgrade']; grpc?: Parameters<Service['grpc']>[0] } = {};
  let callers: Callers | undefined;
  let starting: Promise<ServiceAddresses> | undefined;
  let stopping: Promise<void> | undefined;
  let fetch: EphemosFetch | undefined;

  const client: ClientOptions = { source, authorize: (peer) => trusts(current, peer) };
  const watching = watchFiles();

  function intercept(request: Parameters<Metrics['observeRequest']>[0], next: () => void): void {
    const observed = (): void => {
      metrics.observeRequest(request);
      next();
    };
    if (telemetry.intercept === undefined) observed();
    else telemetry.intercept(request, observed);
  }

  async function start(): Promise<ServiceAddresses> {
    const { http, grpc, onUpgrade } = serving;
    if (http !== undefined || grpc !== undefined || onUpgrade !== undefined) {
      callers = await openCallers({
        config,
        source,
        authorize: livePolicy.authorize,
        intercept,
        keepContext: telemetry.enabled,
        http,
        grpc,
        onUpgrade,
        healthCalls,
      });
    }
    health.setListening(true);
    const addresses = { listen: callers?.address, health: healthServer.address, metrics: metricsServer?.address };
    log.info({ listen: shown(addresses.listen), health: shown(addresses.health), metrics: shown(addresses.metrics) }, 'listening');
    return Object.freeze(addresses);
  }

  function watchFiles(): { reload(): ReturnType<Service['reload']> } {
    const path = configPath(opened.load);
    if (path === undefined || config.files.length === 0) return { reload: () => 'unchanged' };
    return watchConfig(path, {
      ...opened.load,
      current: config,
      signal: ended.signal,
      onChange: takeOver,
      onError: (err) => log.error({ err }, 'the configuration is invalid; the last good one stays in use'),
    });
  }

  function takeOver(next: Config): void {
    livePolicy.replace(next);
    const waiting = restartNeeded(config, next);
    current = next;
    metrics.configLoaded(new Date());
    void callers?.reauthorize();
    log.info({ rules: livePolicy.current.rules.length, needs_restart: waiting }, 'the policy of the configuration is in use');
    if (waiting.length > 0) log.warn({ needs_restart: waiting }, 'these keys are taken into use by the next start');
  }

  function stop(reason = 'stop'): Promise<void> {
    if (stopping !== undefined) force.abort();
    stopping ??= end(reason);
    return stopping;
  }

  async function end(reason: string): Promise<void> {
    metrics.setShuttingDown();
    log.info({ reason }, 'the shutdown begins');
    await starting?.catch(() => undefined);
    await shutDown({
      timings: config.shutdown,
      log,
      notReady: () => health.drain(),
      onDrain() {
        healthCalls.close();
        draining.abort();
      },
      listeners: callers === undefined ? [] : [callers],
      closers,
      force: force.signal,
    });
    await closeAll();
  }

  async function closeAll(): Promise<void> {
    ended.abort();
    stopFollowing();
    audit.close();
    await fetch?.close();
    await telemetry.flush({ signal: AbortSignal.timeout(FLUSH_MS) });
    await telemetry.close();
    health.close();
    await Promise.all([healthServer.close(), metricsServer?.close(), source.close()]);
    metrics.close();
    log.flush();
  }

  async function run(): Promise<void> {
    const offSignals = ownsProcess ? onSignals({ stop: (signal) => void stop(signal), reload: onHangup }) : () => undefined;
    try {
      await service.start();
      await new Promise<void>((resolve) => {
        if (stopping !== undefined) resolve();
        else ended.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await stopping;
    } catch (error) {
      await stop('failed to start');
      if (!ownsProcess) throw error;
      failProcess(error);
    } finally {
      offSignals();
    }
    if (ownsProcess) endProcess();
  }

  function onHangup(): void {
    log.info({ result: service.reload() }, 'SIGHUP: looked at the configuration');
  }

  const service: Service = {
    config,
    source,
    log,
    health,
    registry: metrics.registry,
    telemetry,
    get policy() {
      return livePolicy.current;
    },
    authorize: livePolicy.authorize,
    client,
    get fetch() {
      fetch ??= telemetry.instrumentFetch(createFetch(client));
      return fetch;
    },
    channelOptions: channelOptions(config),
    grpcOptions: grpcOptions(config),
    draining: draining.signal,
    http(listener, { onUpgrade } = {}) {
      serving = { ...serving, http: listener, ...(onUpgrade === undefined ? {} : { onUpgrade }) };
      return this;
    },
    grpc(server, options = {}) {
      serving = { ...serving, grpc: server };
      for (const each of options.services ?? []) services.add(each);
      return this;
    },
    onClose(close) {
      closers.push(close);
      return this;
    },
    start() {
      starting ??= start();
      return starting;
    },
    run,
    stop,
    reload: () => watching.reload(),
    [Symbol.asyncDispose]: () => stop('disposed'),
  };
  return service;
}

function trusts({ service: { trustedServers } }: Config, peer: Parameters<ClientOptions['authorize']>[0]): boolean {
  return trustedServers !== undefined && authorizeOneOf(trustedServers)(peer);
}

function followIdentity(source: X509Source, log: Parts['log']): () => void {
  let notAfter: number | undefined = source.svid.notAfter;
  return source.subscribe(() => {
    const before = notAfter;
    try {
      ({ notAfter } = source.svid);
      if (notAfter !== before) log.info({ expires_at: new Date(notAfter).toISOString() }, 'identity rotated');
    } catch (err) {
      notAfter = undefined;
      if (before !== undefined && !isEphemosError(err, 'ERR_SOURCE_CLOSED')) log.error({ err }, 'there is no identity any more');
    }
  });
}

function channelOptions({ keepalive: { time, timeout } }: Config): Readonly<Record<string, number>> {
  return Object.freeze(time === 0 ? {} : { 'grpc.keepalive_time_ms': time, 'grpc.keepalive_timeout_ms': timeout });
}

function grpcOptions({ limits: { maxBodyBytes } }: Config): Readonly<Record<string, number>> {
  return Object.freeze({ 'grpc.max_receive_message_length': maxBodyBytes });
}

function shown(address: ServiceAddresses['listen']): string | undefined {
  return address === undefined ? undefined : `${address.host ?? ''}:${address.port}`;
}
