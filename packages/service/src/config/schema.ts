// The keys of the file, with what each of them takes, its default and its meaning. Everything else about keys follows from this schema:
// the variables, the JSON Schema for editors, the reference in the documentation.
import { SpiffeId } from 'ephemos/spiffe';
import { z } from 'zod';
import { collides, formatAddress } from './address.ts';
import type {
  ConfigSections,
  HealthConfig,
  KeepaliveConfig,
  LimitsConfig,
  ListenConfig,
  LogsConfig,
  MetricsConfig,
  ServiceConfig,
  ShutdownConfig,
} from './config.ts';
import {
  DEFAULT_HANDSHAKE_TIMEOUT,
  defaultAddresses,
  defaultHealth,
  defaultKeepalive,
  defaultLimits,
  defaultLogs,
  defaultShutdown,
} from './defaults.ts';
import {
  address,
  duration,
  expected,
  flag,
  oneOf,
  parsed,
  section,
  share,
  socket,
  spiffeId,
  spiffeIds,
  trustDomain,
  wholeNumber,
} from './fields.ts';
import { invalid, quote } from './problem.ts';

/** The values of a file, before the variables that are not keys and the policy file are looked at. */
export interface ConfigValues extends ConfigSections {
  readonly agent: { readonly socketPath: string | undefined };
  readonly policy?: { readonly file: string | undefined; readonly rules: readonly unknown[] | undefined } | undefined;
}

type Report = { addIssue(issue: { code: 'custom'; path: string[]; message: string; params: { hint: string | undefined } }): void };

function report(context: Report, path: string[], message: string, hint?: string): void {
  context.addIssue({ code: 'custom', path, message, params: { hint } });
}

const name = parsed('a name', '^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,98}[a-zA-Z0-9])?$', (text) => {
  if (text.length > 100) throw invalid('a service name is at most 100 characters');
  if (/^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$/.test(text)) return text;
  throw invalid(`${quote(text)} is not a service name`, 'write letters, digits, ".", "_" and "-", with a letter or digit at both ends');
});

const service = section({
  name: name.describe('Name of the service. It is the last part of its SPIFFE ID, and the label "service" of its metrics.'),
  domain: trustDomain().describe('Trust domain of the service, such as prod.acme.com.'),
  spiffe_id: spiffeId().optional().describe('SPIFFE ID of the service, when it is not spiffe://<domain>/<name>.'),
  authorized_clients: spiffeIds()
    .optional()
    .describe('SPIFFE IDs that may connect, to everything. For anything finer, write policy instead.'),
  trusted_servers: spiffeIds().optional().describe('SPIFFE IDs of the servers that the clients of this service connect to.'),
})
  .superRefine(({ domain, spiffe_id: id }, context) => {
    if (id?.isMemberOf(domain) === false)
      report(context, ['spiffe_id'], `this SPIFFE ID is not in the trust domain ${quote(domain.name)}`, 'change it, or service.domain');
  })
  .transform(
    (keys): ServiceConfig => ({
      name: keys.name,
      domain: keys.domain,
      spiffeId: keys.spiffe_id ?? SpiffeId.parse(`${keys.domain.idString}/${keys.name}`),
      authorizedClients: keys.authorized_clients,
      trustedServers: keys.trusted_servers,
    }),
  );

const agent = section({
  socketPath: socket()
    .optional()
    .describe('Socket of the Workload API: an absolute path, unix:///path or tcp://ip:port. SPIFFE_ENDPOINT_SOCKET goes before it.'),
}).transform(({ socketPath }) => ({ socketPath }));

// A version number without quotes is a number to YAML.
const tlsVersion = z
  .literal(['1.3', '1.2', 1.3, 1.2], expected('1.3 or 1.2'))
  .transform((version) => (Number(version) === 1.2 ? 'TLSv1.2' : 'TLSv1.3'));

const listen = section({
  address: address().prefault(defaultAddresses.listen).describe('Where callers connect, with mTLS.'),
  min_tls_version: tlsVersion.prefault('1.3').describe('Oldest version of TLS that is spoken: 1.3 or 1.2.'),
  handshake_timeout: duration('100ms', '2m')
    .prefault(DEFAULT_HANDSHAKE_TIMEOUT)
    .describe('How long a handshake may take, from its first byte.'),
}).transform(
  (keys): ListenConfig => ({ address: keys.address, minTlsVersion: keys.min_tls_version, handshakeTimeout: keys.handshake_timeout }),
);

const health = section({
  address: address().prefault(defaultAddresses.health).describe('Where probes are answered, in plaintext.'),
  timeout: duration('10ms', '1m').prefault(defaultHealth.timeout).describe('How long one check may take.'),
  interval: duration('100ms', '1h').prefault(defaultHealth.interval).describe('How often the checks run.'),
})
  .superRefine(({ timeout, interval }, context) => {
    if (timeout > interval)
      report(context, ['timeout'], 'a check may not take longer than the interval', 'shorten health.timeout or lengthen health.interval');
  })
  .transform((keys): HealthConfig => keys);

const metricsPath = parsed('a path such as "/metrics"', '^/[A-Za-z0-9._~/-]*$', (text) => {
  if (/^\/[A-Za-z0-9._~/-]{0,255}$/.test(text)) return text;
  throw invalid(`${quote(text)} is not a path`, 'write it as "/metrics"');
});

const metrics = section({
  enabled: flag().prefault(true).describe('Whether metrics are served at all.'),
  address: address().prefault(defaultAddresses.metrics).describe('Where Prometheus connects, in plaintext.'),
  path: metricsPath.prefault('/metrics').describe('Path of the metrics.'),
}).transform((keys): MetricsConfig => keys);

const limits = section({
  max_connections: wholeNumber(1, 1_000_000).prefault(defaultLimits.maxConnections).describe('Connections in all.'),
  max_connections_per_address: wholeNumber(1, 1_000_000)
    .prefault(defaultLimits.maxConnectionsPerAddress)
    .describe('Connections from one IPv4 address or IPv6 /64.'),
  max_handshakes: wholeNumber(1, 100_000).prefault(defaultLimits.maxHandshakes).describe('Handshakes in flight.'),
  max_header_bytes: wholeNumber(1_024, 1_048_576).prefault(defaultLimits.maxHeaderBytes).describe('Bytes of the header of a request.'),
  max_body_bytes: wholeNumber(0, 1_073_741_824)
    .prefault(defaultLimits.maxBodyBytes)
    .describe('Bytes of the body of a request, and of one gRPC message.'),
  max_requests_per_connection: wholeNumber(1, 1_000_000_000)
    .prefault(defaultLimits.maxRequestsPerConnection)
    .describe('Requests on one connection before it is asked to end.'),
  stall_timeout: duration('1s', '1h')
    .prefault(defaultLimits.stallTimeout)
    .describe('How long a client may take none of an answer that waits for it.'),
}).transform(
  (keys): LimitsConfig => ({
    maxConnections: keys.max_connections,
    maxConnectionsPerAddress: keys.max_connections_per_address,
    maxHandshakes: keys.max_handshakes,
    maxHeaderBytes: keys.max_header_bytes,
    maxBodyBytes: keys.max_body_bytes,
    maxRequestsPerConnection: keys.max_requests_per_connection,
    stallTimeout: keys.stall_timeout,
  }),
);

const shutdown = section({
  drain_delay: duration('0s', '10m')
    .prefault(defaultShutdown.drainDelay)
    .describe('From "not ready" until connections are no longer accepted: what load balancers need to notice.'),
  deadline: duration('1s', '1h').prefault(defaultShutdown.deadline).describe('From then until what is still running is cut off.'),
  grace_period: duration('1s', '2h').prefault(defaultShutdown.gracePeriod).describe('terminationGracePeriodSeconds of the pod.'),
})
  .superRefine((keys, context) => {
    if (keys.drain_delay + keys.deadline < keys.grace_period) return;
    const sum = `${keys.drain_delay / 1000}s + ${keys.deadline / 1000}s`;
    const message = `drain_delay + deadline (${sum}) must be less than grace_period (${keys.grace_period / 1000}s)`;
    report(context, ['grace_period'], message, 'the process would be killed while it drains: shorten them, or give the pod more time');
  })
  .transform((keys): ShutdownConfig => ({ drainDelay: keys.drain_delay, deadline: keys.deadline, gracePeriod: keys.grace_period }));

const logs = section({
  level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .prefault(defaultLogs.level)
    .describe('Least important line that is written.'),
  audit_sample: share()
    .prefault(defaultLogs.auditSample)
    .describe('Which part of the allowed decisions gets an audit line, 0 to 1. Every denial gets one.'),
}).transform((keys): LogsConfig => ({ level: keys.level, auditSample: keys.audit_sample }));

const keepalive = section({
  time: duration('1s', '24h', { off: true })
    .prefault(defaultKeepalive.time)
    .describe('Quiet time before a connection is pinged; 0s for never.'),
  timeout: duration('100ms', '10m').prefault(defaultKeepalive.timeout).describe('How long the answer to a ping may take.'),
  max_connection_idle: duration('1s', '24h', { off: true })
    .prefault(defaultKeepalive.maxConnectionIdle)
    .describe('How long a connection may be without requests; 0s for any time.'),
}).transform((keys): KeepaliveConfig => ({ time: keys.time, timeout: keys.timeout, maxConnectionIdle: keys.max_connection_idle }));

const policyFile = parsed('a path', '^.+$', (text) => {
  if (text !== '' && !text.includes('\0')) return text;
  throw invalid(`${quote(text)} is not a path`);
});

const policy = section({
  file: policyFile.optional().describe('File with the rules; a relative path starts at the directory of this file.'),
  rules: z.array(z.unknown(), expected('a list of rules')).optional().describe('The allow rules. What none of them allows is denied.'),
})
  .superRefine(({ file, rules }, context) => {
    if (file !== undefined && rules !== undefined) report(context, ['file'], 'a policy has a file or rules', 'remove one of the two');
    if (file === undefined && rules === undefined)
      report(context, [], 'a policy names a file or has rules', 'write "rules: []" to admit nobody');
  })
  .transform(({ file, rules }) => ({ file, rules }));

/** The whole file. */
export const configSchema: z.ZodType<ConfigValues> = section({
  service: service.describe('Who this service is and whom it knows.'),
  agent: agent.prefault({}).describe('Where the Workload API is.'),
  listen: listen.prefault({}).describe('The listener for callers.'),
  health: health.prefault({}).describe('The listener for probes.'),
  metrics: metrics.prefault({}).describe('The listener for Prometheus.'),
  limits: limits.prefault({}).describe('What callers may take of this process.'),
  shutdown: shutdown.prefault({}).describe('How the process ends.'),
  logs: logs.prefault({}).describe('What is logged.'),
  keepalive: keepalive.prefault({}).describe('Pings and idle time of HTTP/2 and gRPC connections.'),
  policy: policy.optional().describe('Who may do what.'),
}).superRefine(
  ({ service: { authorizedClients }, listen: { address: callers }, health: probes, metrics: scrape, policy: rules }, context) => {
    if (authorizedClients !== undefined && rules !== undefined) {
      report(
        context,
        ['service', 'authorized_clients'],
        'these may connect to everything, whatever policy says',
        'keep policy and give each of them a rule',
      );
    }
    if (collides(probes.address, callers)) reportTaken(context, ['health', 'address'], formatAddress(probes.address), 'listen.address');
    if (!scrape.enabled) return;
    for (const [other, key] of [
      [callers, 'listen.address'],
      [probes.address, 'health.address'],
    ] as const) {
      if (collides(scrape.address, other)) reportTaken(context, ['metrics', 'address'], formatAddress(scrape.address), key);
    }
  },
);

function reportTaken(context: Report, path: string[], text: string, other: string): void {
  report(context, path, `${quote(text)} is taken by ${other}`, 'give it a port of its own');
}
