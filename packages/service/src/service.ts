// What openService takes and gives: a running production process around whatever framework a team already uses.
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Server as GrpcServer, ServerOptions as GrpcServerOptions } from '@grpc/grpc-js';
import type { Authorizer, ClientOptions, EphemosFetch, Policy, X509Source } from 'ephemos';
import type { Logger } from 'pino';
import type { Address } from './config/address.ts';
import type { Config } from './config/config.ts';
import type { LoadOptions } from './config/load-config.ts';
import type { ReloadResult } from './config/watch-config.ts';
import type { Health } from './health/health.ts';
import type { LoggerOptions } from './logs/create-logger.ts';
import type { RouteOf } from './metrics/http-metrics.ts';
import type { MetricsRegistry } from './metrics/metric-set.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** What {@link openService} takes. Everything has a default that is right in production. */
export interface ServiceOptions extends Omit<LoadOptions, 'checkPolicy'> {
  /** Shown in `ephemos_build_info`; default npm_package_version, else `unknown`. */
  readonly version?: string | undefined;
  /**
   * How long to wait for the first identity, in milliseconds; default `Infinity`: a service that waits is not ready and says why, in its log and
   * its probes, and starts when it is registered.
   */
  readonly identityTimeout?: number | undefined;
  /** A prom-client registry of your own. */
  readonly registry?: MetricsRegistry | undefined;
  /** Names the route of an HTTP request, for metrics. */
  readonly routeOf?: RouteOf | undefined;
  /** Where log lines go; default standard output. */
  readonly logDestination?: LoggerOptions['destination'];
  /**
   * Whether this call owns the process: a failure to start is one line on standard error and an exit code, and the end of `run()` is the end of the
   * process. Default true; false makes both throw and return.
   */
  readonly ownsProcess?: boolean | undefined;
  /** Ends the wait for an identity. */
  readonly signal?: AbortSignal | undefined;
}

/** Where a service listens. */
export interface ServiceAddresses {
  /** For callers; none for a service that only calls. */
  readonly listen: Address | undefined;
  readonly health: Address;
  readonly metrics: Address | undefined;
}

/** A service: what it is made of, what it serves, and how it runs and ends. */
export interface Service extends AsyncDisposable {
  /** The configuration as it was loaded at the start. */
  readonly config: Config;
  readonly source: X509Source;
  readonly log: Logger;
  readonly health: Health;
  readonly registry: MetricsRegistry;
  readonly telemetry: Telemetry;
  /** The policy of now; a reload replaces it. */
  readonly policy: Policy;
  /** Both gates by that policy, for listeners of your own. */
  readonly authorize: Authorizer;
  /**
   * What clients take, with `service.trusted_servers` for an authorizer: `createChannelCredentials(service.client)`.
   * Nobody is trusted when that list is not configured.
   */
  readonly client: ClientOptions;
  /** A fetch for `service.trusted_servers` that sends the trace along. */
  readonly fetch: EphemosFetch;
  /** Channel options of gRPC clients: the keepalive of the configuration, and a bound on the wait for the next try after a failure. */
  readonly channelOptions: Readonly<Record<string, number>>;
  /** Options to make a gRPC server with, by the limits of the configuration. */
  readonly grpcOptions: GrpcServerOptions;
  /** Aborted when the drain begins: for WebSockets, streams and loops that would go on for ever. */
  readonly draining: AbortSignal;
  /** Serves HTTP/1.1: a request listener, such as an Express app. */
  http(listener: RequestListener, options?: HttpOptions): this;
  /** Serves gRPC, which is the h2 of the port. The health service is added to it. */
  grpc(server: GrpcServer, options?: GrpcOptions): this;
  /** Called when the last call has ended, to close what calls needed. In the order of registration, one after the other. */
  onClose(close: () => void | Promise<void>): this;
  /** Opens the listener for callers. `run()` does it when it was not done. */
  start(): Promise<ServiceAddresses>;
  /** Runs until SIGTERM, SIGINT or `stop()`, then shuts down in order. */
  run(): Promise<void>;
  /** Begins the shutdown, as SIGTERM does; a second call forces it. Resolves when it is over. */
  stop(reason?: string): Promise<void>;
  /** Looks at the files of the configuration at once, as SIGHUP does. */
  reload(): ReloadResult;
}

/** What {@link Service.http} takes. */
export interface HttpOptions {
  /** Takes upgrades, such as that of a WebSocket; without it they are refused by Node.js. */
  readonly onUpgrade?: UpgradeListener | undefined;
}

/** What {@link Service.grpc} takes. */
export interface GrpcOptions {
  /** Names of services, such as `orders.v1.Orders`, that the health service knows: each is as ready as the process. */
  readonly services?: readonly string[] | undefined;
}

/** As in node:http. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
