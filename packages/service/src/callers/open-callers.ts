// What a service serves in, its one listener for callers out: HTTP/1.1, gRPC, or both on the same port.
import type { RequestListener } from 'node:http';
import type { Server as GrpcServer } from '@grpc/grpc-js';
import { type Authorizer, createServer, type Drainable, type Intercept, type RequestServerOptions, type X509Source } from 'ephemos';
import type { Address } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { HEALTH_SERVICE_PATH, type HealthCalls } from '../health/health-calls.ts';
import { listenAt } from '../listening/listen-at.ts';
import type { UpgradeListener } from '../service.ts';

/** What is served. */
export interface Serving {
  readonly http: RequestListener | undefined;
  readonly onUpgrade: UpgradeListener | undefined;
  readonly grpc: GrpcServer | undefined;
}

/** What is served, and with what. */
export interface CallersOptions extends Serving {
  readonly config: Config;
  readonly source: X509Source;
  readonly authorize: Authorizer;
  readonly intercept: Intercept;
  /** Whether there are spans whose context the events of a request should have. */
  readonly keepContext: boolean;
  readonly healthCalls: HealthCalls;
}

/** The open listener. */
export interface Callers extends Drainable {
  readonly address: Address;
  reauthorize(): Promise<void>;
}

/** The least that an idle HTTP/1 connection is kept, in milliseconds: longer than a load balancer keeps one to it. */
const HTTP1_IDLE_MS = 65_000;

/**
 * Opens the listener.
 * @throws {EphemosError} ERR_LISTEN_FAILED, ERR_OPTION_INVALID
 */
export async function openCallers(options: CallersOptions): Promise<Callers> {
  const { config, http, grpc, onUpgrade } = options;
  const server = grpc === undefined ? createServer(serverOptions(options), http) : await createGrpc(grpc, options);
  if ('keepAliveTimeout' in server) server.keepAliveTimeout = config.keepalive.maxConnectionIdle || HTTP1_IDLE_MS;
  if (onUpgrade !== undefined) server.on('upgrade', onUpgrade);
  const address = await listenAt(server, config.listen.address, { failure: 'nobody can be served', key: 'listen.address' });
  return {
    address,
    reauthorize: () => server.reauthorize(),
    drain: () => server.drain(),
    destroyConnections: () => server.destroyConnections(),
  };
}

function serverOptions({ config, source, authorize, intercept, keepContext }: CallersOptions): RequestServerOptions {
  const { listen, limits } = config;
  return {
    source,
    authorize,
    intercept,
    keepContext,
    minVersion: listen.minTlsVersion,
    handshakeTimeout: listen.handshakeTimeout,
    limits: {
      maxConnections: limits.maxConnections,
      maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
      maxHandshakes: limits.maxHandshakes,
    },
    maxHeaderBytes: limits.maxHeaderBytes,
    maxBodyBytes: limits.maxBodyBytes,
    maxRequestsPerConnection: limits.maxRequestsPerConnection,
    stallTimeout: limits.stallTimeout,
  };
}

// Loaded only where it is used: @grpc/grpc-js is an optional peer.
async function createGrpc(grpc: GrpcServer, options: CallersOptions) {
  const { createGrpcListener } = await import('ephemos/grpc');
  const { config, http, healthCalls } = options;
  return createGrpcListener(grpc, {
    ...serverOptions(options),
    http,
    keepalive: config.keepalive,
    answerCall(stream, headers) {
      if (headers[':path']?.startsWith(HEALTH_SERVICE_PATH) !== true) return false;
      healthCalls.answer(stream, headers);
      return true;
    },
  });
}
