// What a configuration says once it was read: durations in milliseconds, identities and addresses parsed. Frozen.
import type { SpiffeId, TrustDomain } from 'ephemos/spiffe';
import type { Address } from './address.ts';
import type { ConfigFile } from './source-file.ts';

/** Who this service is and whom it knows. */
export interface ServiceConfig {
  readonly name: string;
  readonly domain: TrustDomain;
  /** Which of our SVIDs is used; it must be this one at every rotation. */
  readonly spiffeId: SpiffeId;
  /** Who may connect, to everything. Never empty, and never together with a policy. */
  readonly authorizedClients: readonly SpiffeId[] | undefined;
  /** Whom our clients connect to. Never empty. */
  readonly trustedServers: readonly SpiffeId[] | undefined;
}

/** The listener for callers, with mTLS. */
export interface ListenConfig {
  readonly address: Address;
  readonly minTlsVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Milliseconds. */
  readonly handshakeTimeout: number;
}

/** The plaintext listener for probes. */
export interface HealthConfig {
  readonly address: Address;
  /** How long one check may take, in milliseconds. */
  readonly timeout: number;
  /** How often the checks run, in milliseconds. */
  readonly interval: number;
}

/** The plaintext listener for Prometheus. */
export interface MetricsConfig {
  readonly enabled: boolean;
  readonly address: Address;
  readonly path: string;
}

/** What callers may take of this process. */
export interface LimitsConfig {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Handshakes in flight. */
  readonly maxHandshakes: number;
  readonly maxHeaderBytes: number;
  readonly maxBodyBytes: number;
  readonly maxRequestsPerConnection: number;
  /** How long a client may take none of an answer, in milliseconds. */
  readonly stallTimeout: number;
}

/** How the process ends, in milliseconds: `drainDelay + deadline < gracePeriod`. */
export interface ShutdownConfig {
  /** From "not ready" until connections are no longer accepted. */
  readonly drainDelay: number;
  /** From then until what is still running is cut off. */
  readonly deadline: number;
  /** When the platform kills the process: terminationGracePeriodSeconds of the pod. */
  readonly gracePeriod: number;
}

/** How loud a log is. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** What is logged. */
export interface LogsConfig {
  readonly level: LogLevel;
  /** Which part of the allowed decisions gets an audit line, 0 to 1. Every denial does. */
  readonly auditSample: number;
}

/** Pings and idle time of HTTP/2 and gRPC connections, in milliseconds. */
export interface KeepaliveConfig {
  /** 0 for no pings. */
  readonly time: number;
  readonly timeout: number;
  /** 0 for no limit. */
  readonly maxConnectionIdle: number;
}

/** The allow rules, as plain values; whoever has read them checks them with the `checkPolicy` of {@link LoadOptions}. */
export interface PolicyConfig {
  readonly rules: readonly unknown[];
  /** The file that the rules are from, when that is one of their own. */
  readonly file: string | undefined;
}

/** What can say where the Workload API is, the strongest first. */
export type SocketOrigin = 'argument' | 'SPIFFE_ENDPOINT_SOCKET' | 'EPHEMOS_AGENT_SOCKET' | 'agent.socketPath';

/** Where the Workload API is, and what said so. */
export interface SocketConfig {
  /** `unix:///path` or `tcp://ip:port`. */
  readonly endpoint: string;
  readonly origin: SocketOrigin;
}

/** The sections that are in every configuration, in the file or by their defaults. */
export interface ConfigSections {
  readonly service: ServiceConfig;
  readonly listen: ListenConfig;
  readonly health: HealthConfig;
  readonly metrics: MetricsConfig;
  readonly limits: LimitsConfig;
  readonly shutdown: ShutdownConfig;
  readonly logs: LogsConfig;
  readonly keepalive: KeepaliveConfig;
}

/** A whole configuration. */
export interface Config extends ConfigSections {
  /** `undefined` when nothing says where the Workload API is. */
  readonly socket: SocketConfig | undefined;
  /** `undefined` when there is none: `authorizedClients` decides, or nobody may connect. */
  readonly policy: PolicyConfig | undefined;
  /** The files that were read: the configuration, then the policy. Empty when there were only variables. */
  readonly files: readonly ConfigFile[];
}
