// A deployment of SPIRE in, where its values cannot hold together out: one port for two, SVIDs that outlive their authority, a database too small.
import { type KeyPath, type KeyProblem, parseGoDuration } from '@ephemos/service/config';
import { formatPath } from './format-path.ts';
import type { Listener, PostgresStore, Spire, SpireServer } from './spire.ts';

/** SPIRE signs nothing that is good for longer than this part of its authority, since a new one is spread that long before it signs. */
const AUTHORITY_SHARE = 6;
/** And for no longer than this, in milliseconds: a week (pkg/server/ca/manager, activationThresholdCap). */
const LONGEST_LIFE = 604_800_000;
/** Connections that PostgreSQL keeps for its superuser (superuser_reserved_connections), and a few for whoever looks and for backups. */
export const RESERVED_CONNECTIONS = 8;

/** How long an SVID may live, in milliseconds, when its authority lives so long. */
export function longestLife(authority: number): number {
  return Math.min(authority / AUTHORITY_SHARE, LONGEST_LIFE);
}

/** Everything that contradicts something else. */
export function contradictions(spire: Spire): readonly KeyProblem[] {
  return [
    ...twins(spire),
    ...ports(spire),
    ...paths(spire),
    ...lives(spire),
    ...oneStore(spire),
    ...oneAddress(spire),
    ...attestation(spire),
  ];
}

function* twins({ servers }: Spire): Generator<KeyProblem> {
  for (const [index, { name }] of servers.entries()) {
    const first = servers.findIndex((each) => each.name === name);
    if (first < index)
      yield {
        path: ['servers', index, 'name'],
        message: `servers[${first}] is called ${JSON.stringify(name)} too`,
        hint: 'give each a name',
      };
  }
}

interface Port {
  readonly host: string;
  readonly path: KeyPath;
  readonly listener: Listener;
}

// An agent runs beside every server of a host; in a cluster each has a network of its own.
function* ports({ servers, balancer, agent, nodes }: Spire): Generator<KeyProblem> {
  const ofServers = servers.flatMap((server, index) => portsOf(server, ['servers', index]));
  const ofBalancer =
    balancer === undefined
      ? []
      : [
          { host: balancer.host, path: ['balancer', 'port'], listener: balancer },
          { host: balancer.host, path: ['balancer', 'metrics', 'port'], listener: balancer.metrics },
        ];
  const hosts = nodes.kind === 'k8s_psat' ? ['agents'] : [...new Set([...servers.map(({ host }) => host)])];
  const ofAgents = hosts.flatMap((host) => [
    { host, path: ['agent', 'health', 'port'], listener: agent.health },
    { host, path: ['agent', 'metrics', 'port'], listener: agent.metrics },
  ]);
  const all: readonly Port[] = [...ofServers, ...ofBalancer, ...ofAgents];
  const told = new Set<string>();
  for (const [index, { host, path, listener }] of all.entries()) {
    const other = all
      .slice(0, index)
      .find((each) => each.host === host && each.path.join() !== path.join() && each.listener.port === listener.port);
    if (other === undefined || told.has(path.join())) continue;
    told.add(path.join());
    yield { path, message: `${listener.port} is ${formatPath(other.path)} already, on the same host`, hint: 'give it a port of its own' };
  }
}

function portsOf(server: SpireServer, path: KeyPath): readonly Port[] {
  return [
    { host: server.host, path: [...path, 'port'], listener: server },
    { host: server.host, path: [...path, 'health', 'port'], listener: server.health },
    { host: server.host, path: [...path, 'metrics', 'port'], listener: server.metrics },
  ];
}

function* paths({ servers, agent, nodes }: Spire): Generator<KeyProblem> {
  for (const [index, server] of servers.entries()) {
    for (const key of ['socket', 'data'] as const) {
      const first = servers.findIndex((each) => each.host === server.host && each[key] === server[key]);
      const message = `servers[${first}] has the same ${key}, on the same host`;
      if (first < index) yield { path: ['servers', index, key], message, hint: 'give each server one of its own' };
    }
    if (nodes.kind === 'k8s_psat') continue;
    if (server.socket === agent.socket) {
      yield {
        path: ['servers', index, 'socket'],
        message: 'the agent has this socket',
        hint: 'workloads must not reach the API of the server',
      };
    }
    if (server.data === agent.data)
      yield { path: ['servers', index, 'data'], message: 'the agent has this directory', hint: 'give each one of its own' };
  }
  if (agent.admin.startsWith(agent.socket.replace(/[^/]*$/, ''))) {
    const message = 'this is in the directory of agent.socket, which every workload has';
    yield { path: ['agent', 'admin'], message, hint: 'put it into a directory of its own' };
  }
}

function* lives({ lives: { authority, ...others } }: Spire): Generator<KeyProblem> {
  const most = longestLife(parseGoDuration(authority));
  for (const key of ['x509', 'jwt', 'agent'] as const) {
    if (parseGoDuration(others[key]) <= most) continue;
    const message = `${others[key]} is more than a sixth of lives.authority (${authority}), so SPIRE would sign for less`;
    yield { path: ['lives', key], message, hint: 'shorten it, or lengthen lives.authority' };
  }
}

function* oneStore({ servers, store }: Spire): Generator<KeyProblem> {
  const count = servers.reduce((sum, { replicas }) => sum + replicas, 0);
  if (store.kind === 'sqlite') {
    if (count > 1)
      yield { path: ['store', 'kind'], message: `${count} servers cannot share sqlite, which is a file`, hint: 'use postgres' };
    return;
  }
  const wanted = connectionsOf(store, count);
  if (wanted <= store.limit) return;
  const message = `${count} servers with ${store.connections} each and ${RESERVED_CONNECTIONS} for others are ${wanted}, and store.limit is ${store.limit}`;
  yield { path: ['store', 'connections'], message, hint: 'lower it, or raise max_connections of the database and store.limit' };
}

function connectionsOf({ connections }: PostgresStore, servers: number): number {
  return connections * servers + RESERVED_CONNECTIONS;
}

const LOOPBACK = /^(127\.|::1$|localhost$)/;

function* oneAddress({ servers, balancer }: Spire): Generator<KeyProblem> {
  if (balancer === undefined) {
    if (servers.length > 1) {
      const message = `agents know one address, and there are ${servers.length} servers`;
      yield { path: ['servers'], message, hint: 'add balancer, or name one server whose host has the addresses of all' };
    }
    return;
  }
  for (const [index, { host, health }] of servers.entries()) {
    if (!LOOPBACK.test(health.address) || LOOPBACK.test(host) || host === balancer.host) continue;
    const message = `the balancer asks ${host}, and this answers only on ${health.address}`;
    yield {
      path: ['servers', index, 'health', 'address'],
      message,
      hint: 'listen where the balancer can ask, such as 0.0.0.0, behind a firewall',
    };
  }
}

function* attestation({ nodes, bundle, agent }: Spire): Generator<KeyProblem> {
  if (nodes.kind === 'k8s_psat') return;
  if (bundle.kind === 'configmap') {
    yield { path: ['bundle', 'kind'], message: 'only the pods of a cluster have a ConfigMap', hint: 'use file, or nodes.kind k8s_psat' };
  }
  const index = agent.workloads.indexOf('k8s');
  if (index !== -1) {
    const message = 'only an agent in a cluster can ask a kubelet';
    yield { path: ['agent', 'workloads', index], message, hint: 'use unix, systemd or docker, or nodes.kind k8s_psat' };
  }
}
