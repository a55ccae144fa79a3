// What holds when a key is left out, as it would be written.

/** Where the configuration is when nothing says so. */
export const DEFAULT_CONFIG_PATH = '/etc/ephemos/config.yaml';

/** The addresses; `:port` is every address of the machine. Not 8080 and 8081, which SPIRE's own probes and server use. */
export const defaultAddresses = { listen: ':8443', health: ':9080', metrics: ':9090' } as const;

/** The limits. A connection costs some 60 KiB, a handshake some 1.6 ms of CPU. */
export const defaultLimits = {
  maxConnections: 10_000,
  maxConnectionsPerAddress: 2_000,
  maxHandshakes: 200,
  /** What Node.js takes without being told. */
  maxHeaderBytes: 16_384,
  /** The largest message that gRPC libraries take without being told. */
  maxBodyBytes: 4_194_304,
  maxRequestsPerConnection: 10_000,
  /** As long as the whole of a shutdown: what takes longer would not be waited for either. */
  stallTimeout: '30s',
} as const;

/** The shutdown fits into the 30 s that Kubernetes gives a pod. */
export const defaultShutdown = { drainDelay: '5s', deadline: '20s', gracePeriod: '30s' } as const;

/** No pings faster than grpc-go's servers allow clients by default. */
export const defaultKeepalive = { time: '5m', timeout: '20s', maxConnectionIdle: '5m' } as const;

/** The probes answer well within the 5 s of a container's HEALTHCHECK. */
export const defaultHealth = { timeout: '2s', interval: '10s' } as const;

/** One line for a hundred allowed decisions. */
export const defaultLogs = { level: 'info', auditSample: 0.01 } as const;

/** How long a client may take for its handshake. */
export const DEFAULT_HANDSHAKE_TIMEOUT = '10s';
