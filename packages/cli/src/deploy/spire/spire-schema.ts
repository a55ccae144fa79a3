// The keys of a spire.yaml, with what each of them takes and what holds when it is left out.
import { z } from 'zod';
import {
  duration,
  expected,
  expectedKind,
  host,
  kubernetesName,
  network,
  oneOf,
  path,
  port,
  section,
  socket,
  text,
  trustDomain,
  wholeNumber,
  words,
} from './fields.ts';
import type { Spire } from './spire.ts';

/** What does not belong to anybody in particular. */
const defaults = {
  lives: { authority: '168h', x509: '1h', jwt: '5m', agent: '24h' },
  logs: { level: 'info', format: 'json' },
  server: {
    port: 8081,
    health: { address: '127.0.0.1', port: 8082 },
    // SPIRE warns of every other address that somebody might reach it, of 127.0.0.1 too.
    metrics: { address: 'localhost', port: 9988 },
    socket: '/run/spire/server/private/api.sock',
    data: '/var/lib/spire/server',
  },
  agent: {
    socket: '/run/spire/sockets/agent.sock',
    admin: '/run/spire/agent/private/admin.sock',
    data: '/var/lib/spire/agent',
    health: { address: '127.0.0.1', port: 9982 },
    metrics: { address: 'localhost', port: 9989 },
    cache: 1000,
  },
} as const;

const listener = section({ address: host(), port: port() });

const servers = z
  .array(
    section({
      name: text('a name of lower case letters, digits and "-"', /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
      host: host(),
      replicas: wholeNumber(1, 100).prefault(1),
      address: host().prefault('0.0.0.0'),
      port: port().prefault(defaults.server.port),
      health: listener.prefault(defaults.server.health),
      metrics: listener.prefault(defaults.server.metrics),
      socket: socket().prefault(defaults.server.socket),
      data: path().prefault(defaults.server.data),
    }),
    expected('a list of servers'),
  )
  .min(1, 'name a server')
  .max(16, 'there are at most 16 servers');

const balancer = section({
  host: host(),
  address: host().prefault('0.0.0.0'),
  port: port().prefault(defaults.server.port),
  metrics: listener.prefault({ address: '127.0.0.1', port: 8405 }),
  sources: z.array(network(), expected('a list of networks')).min(1, 'name the networks that the balancer comes from'),
  user: text('the name of a user', /^[a-z_][a-z0-9_-]{0,31}$/).prefault('haproxy'),
  group: text('the name of a group', /^[a-z_][a-z0-9_-]{0,31}$/).prefault('haproxy'),
});

const store = z.discriminatedUnion(
  'kind',
  [
    section({ kind: z.literal('sqlite') }),
    section({
      kind: z.literal('postgres'),
      host: host(),
      port: port().prefault(5432),
      database: text('the name of a database', /^[a-z_][a-z0-9_]{0,62}$/).prefault('spire'),
      user: text('the name of a role', /^[a-z_][a-z0-9_]{0,62}$/).prefault('spire'),
      variable: text('the name of an environment variable', /^[A-Z_][A-Z0-9_]{0,62}$/).prefault('SPIRE_DATABASE_PASSWORD'),
      roots: path(),
      connections: wholeNumber(2, 1000).prefault(40),
      limit: wholeNumber(10, 10_000).prefault(100),
      sources: z.array(network(), expected('a list of networks')).prefault([]),
    }),
  ],
  expectedKind('sqlite or postgres'),
);

const keys = z.discriminatedUnion(
  'kind',
  [
    section({ kind: z.literal('disk') }),
    section({
      kind: z.literal('aws_kms'),
      region: text('a region such as "eu-central-1"', /^[a-z]{2}(-[a-z]+)+-\d$/),
      policy: path().optional(),
    }),
    section({
      kind: z.literal('gcp_kms'),
      ring: text('a key ring, "projects/P/locations/L/keyRings/R"', /^projects\/[\w.:-]+\/locations\/[\w-]+\/keyRings\/[\w-]+$/),
      policy: path().optional(),
    }),
    section({
      kind: z.literal('azure_key_vault'),
      vault: text('the URL of a key vault, "https://NAME.vault.azure.net"', /^https:\/\/[a-z0-9-]{3,24}\.[a-z0-9.-]+\/?$/),
    }),
  ],
  expectedKind('disk, aws_kms, gcp_kms or azure_key_vault'),
);

const nodes = z.discriminatedUnion(
  'kind',
  [
    section({
      kind: z.literal('x509pop'),
      authority: path().prefault('/etc/spire/nodes/ca.crt'),
      certificate: path().prefault('/etc/spire/node/node.crt'),
      key: path().prefault('/etc/spire/node/node.key'),
    }),
    section({
      kind: z.literal('k8s_psat'),
      cluster: text('the name of a cluster', /^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/),
      namespace: kubernetesName(),
      account: kubernetesName(),
      audience: text('an audience such as "spire-server"', /^[A-Za-z0-9]([A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?$/).prefault('spire-server'),
      token: path().prefault('/var/run/secrets/tokens/spire-agent'),
    }),
  ],
  expectedKind('x509pop or k8s_psat'),
);

const bundle = z.discriminatedUnion(
  'kind',
  [
    section({ kind: z.literal('file'), path: path().prefault('/etc/spire/bootstrap.pem') }),
    section({
      kind: z.literal('configmap'),
      namespace: kubernetesName(),
      name: kubernetesName(),
      key: text('a key of a ConfigMap', /^[A-Za-z0-9._-]{1,253}$/).prefault('bundle.spiffe'),
      directory: path().prefault('/run/spire/bundle'),
    }),
  ],
  expectedKind('file or configmap'),
);

const workload = oneOf(['unix', 'systemd', 'docker', 'k8s']);

const agent = section({
  socket: socket().prefault(defaults.agent.socket),
  admin: socket().prefault(defaults.agent.admin),
  data: path().prefault(defaults.agent.data),
  keys: oneOf(['disk', 'memory']).prefault('disk'),
  health: listener.prefault(defaults.agent.health),
  metrics: listener.prefault(defaults.agent.metrics),
  workloads: z.tuple([workload], workload, expected('a list of unix, systemd, docker and k8s, with one at the least')),
  paths: z.boolean(expected('true or false')).prefault(false),
  cache: wholeNumber(1, 1_000_000).prefault(defaults.agent.cache),
});

/** The whole file. */
export const spireSchema: z.ZodType<Spire> = section({
  domain: trustDomain(),
  subject: section({
    country: z.array(text('two capital letters', /^[A-Z]{2}$/), expected('a list of countries')).max(8),
    organization: z.array(words(), expected('a list of organizations')).max(8),
    name: words(),
  }),
  // A week of CA gives SVIDs of up to 28 h: SPIRE signs nothing that could outlive the time in which a new authority is spread, a sixth of it.
  lives: section({
    authority: duration('1m', '87600h').prefault(defaults.lives.authority),
    x509: duration('10s', '168h').prefault(defaults.lives.x509),
    jwt: duration('10s', '24h').prefault(defaults.lives.jwt),
    agent: duration('10s', '168h').prefault(defaults.lives.agent),
  }).prefault({}),
  logs: section({
    level: oneOf(['debug', 'info', 'warn', 'error']).prefault(defaults.logs.level),
    format: oneOf(['json', 'text']).prefault(defaults.logs.format),
  }).prefault({}),
  servers: servers.transform((all, context): Spire['servers'] => {
    const [first, ...others] = all;
    if (first !== undefined) return [first, ...others];
    context.addIssue({ code: 'custom', message: 'name a server' });
    return z.NEVER;
  }),
  balancer: balancer.optional(),
  upstream: section({
    certificate: path().prefault('/etc/spire/upstream/ca.crt'),
    key: path().prefault('/etc/spire/upstream/ca.key'),
    roots: path().prefault('/etc/spire/upstream/roots.pem'),
  }).optional(),
  store,
  keys: keys.prefault({ kind: 'disk' }),
  nodes,
  bundle,
  agent,
});
