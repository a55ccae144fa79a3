// What was opened in; the service that callers see out: what it serves, how it takes over a changed configuration, its run and its end.
import {
  type Authorizer,
  authorizeOneOf,
  type ClientOptions,
  createFetch,
  type EphemosFetch,
  type ServedRequest,
  type X509Source,
} from 'ephemos';
import { isEphemosError } from 'ephemos/errors';
import { type Callers, openCallers, type Serving } from './callers/open-callers.ts';
import { formatAddress } from './config/address.ts';
import type { Config } from './config/config.ts';
import { configPath, type LoadOptions } from './config/load-config.ts';
import { watchConfig } from './config/watch-config.ts';
import type { Health } from './health/health.ts';
import { createHealthCalls } from './health/health-calls.ts';
import type { HealthServer } from './health/open-health-server.ts';
import { restartNeeded } from './lifecycle/differences.ts';
import { endProcess, failProcess, onSignals } from './lifecycle/own-process.ts';
import { shutDown } from './lifecycle/shut-down.ts';
import { createAudit } from './logs/create-audit.ts';
import type { createLogger } from './logs/create-logger.ts';
import type { Metrics } from './metrics/create-metrics.ts';
import type { MetricsServer } from './metrics/open-metrics-server.ts';
import { createLivePolicy } from './policy/live-policy.ts';
import type { Service, ServiceAddresses } from './service.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

// As `channelOptions` of ephemos/grpc, which is not loaded where there is no gRPC: grpc-js would wait up to two minutes.
const LONGEST_BACKOFF_MS = 1_500;
// How long traces that the SDK still holds may take to leave.
const FLUSH_MS = 2_000;

/** What is there before the identity. */
export interface ServiceParts {
  readonly config: Config;
  readonly telemetry: Telemetry;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly log: ReturnType<typeof createLogger>;
  /** Names of gRPC services that are as ready as the process. */
  readonly services: Set<string>;
}

/** What was opened for a service. */
export interface OpenedParts {
  readonly source: X509Source;
  readonly healthServer: HealthServer;
  readonly metricsServer: MetricsServer | undefined;
  /** As the configuration was loaded. */
  readonly load: LoadOptions;
  readonly ownsProcess: boolean;
}

/** Makes the service that callers see: what it serves, its reloads, its run and its end. */
export function createService(parts: ServiceParts, opened: OpenedParts): Service {
  const { config, telemetry, health, metrics, log, services } = parts;
  const { source, healthServer, metricsServer, ownsProcess } = opened;
  const livePolicy = createLivePolicy(config);
  const healthCalls = createHealthCalls({ health, services: () => services });
  const audit = createAudit({ log, sample: config.logs.auditSample });
  const stopFollowing = followIdentity(source, log);
  const [draining, force, ended] = [new AbortController(), new AbortController(), new AbortController()];
  const closers: (() => void | Promise<void>)[] = [];
  let isTrusted = trusted(config);
  let serving: Serving = { http: undefined, onUpgrade: undefined, grpc: undefined };
  let callers: Callers | undefined;
  let starting: Promise<ServiceAddresses> | undefined;
  let stopping: Promise<void> | undefined;
  let fetch: EphemosFetch | undefined;

  const client: ClientOptions = { source, authorize: (peer) => isTrusted(peer) };
  const watching = watchFiles();

  function intercept(request: ServedRequest, next: () => void): void {
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
      const { authorize } = livePolicy;
      callers = await openCallers({ ...serving, config, source, authorize, intercept, keepContext: telemetry.enabled, healthCalls });
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
    isTrusted = trusted(next);
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
    const listened = await starting?.then(
      () => true,
      () => false,
    );
    await shutDown({
      // Who never listened has nobody to wait for.
      timings: listened === false ? { ...config.shutdown, drainDelay: 0 } : config.shutdown,
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
      serving = { ...serving, http: listener, onUpgrade: onUpgrade ?? serving.onUpgrade };
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

function trusted({ service: { trustedServers } }: Config): Authorizer {
  return trustedServers === undefined ? (_peer) => false : authorizeOneOf(trustedServers);
}

function followIdentity(source: X509Source, log: ServiceParts['log']): () => void {
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
  const keepalive = time === 0 ? {} : { 'grpc.keepalive_time_ms': time, 'grpc.keepalive_timeout_ms': timeout };
  return Object.freeze({ 'grpc.max_reconnect_backoff_ms': LONGEST_BACKOFF_MS, ...keepalive });
}

function grpcOptions({ limits: { maxBodyBytes } }: Config): Readonly<Record<string, number>> {
  return Object.freeze({ 'grpc.max_receive_message_length': maxBodyBytes });
}

function shown(address: ServiceAddresses['listen']): string | undefined {
  return address === undefined ? undefined : formatAddress(address);
}
