// Where everything is in the containers, said once: configurations, mounts, selectors and health checks of the stack are made from it.
import { keyFiles } from '../keys/host-key-files.ts';
import { SPIRE_VERSION } from '../spire/known-keys.ts';

/** In the containers. */
export const inside = {
  serverConf: '/etc/spire/server.conf',
  agentConf: '/etc/spire/agent.conf',
  entries: '/etc/spire/entries.json',
  upstream: '/etc/spire/upstream',
  nodes: '/etc/spire/nodes',
  node: '/etc/spire/node',
  serverData: '/var/lib/spire/server',
  serverSocket: '/run/spire/server/private/api.sock',
  agentData: '/var/lib/spire/agent',
  agentSocket: '/run/spire/sockets/agent.sock',
  agentAdmin: '/run/spire/agent/private/admin.sock',
  config: '/etc/ephemos/config.yaml',
} as const;

/** Below the directory of the stack. */
export const outside = {
  /** Everything that nobody else may read, and that no repository may hold. */
  private: 'private',
  /** The keys that `spire-server` and `spire-agent` make themselves, and the store. */
  serverData: 'private/state/server',
  agentData: 'private/state/agent',
  upstream: 'private/upstream',
  nodes: 'private/nodes',
  node: 'private/node',
} as const;

/** The name of the machine in its certificate, and so in the ID of its agent. */
export const MACHINE = 'machine-1';
/** How the containers of SPIRE call the server. */
export const SERVER_HOST = 'spire-server';
export const SERVER_PORT = 8081;

export const ports = { calls: 8080, health: 9080, metrics: 9090 } as const;

/** The Unix users of the workloads: what the agent tells them apart by. */
export const users = { server: 20_001, client: 20_002 } as const;
/** The user that SPIRE is, when root makes the stack; otherwise it is whoever makes it, since the keys are for their owner alone. */
export const SPIRE_USER = 20_000;

export const images: Readonly<Record<'server' | 'agent' | 'services', string>> = {
  server: `ghcr.io/spiffe/spire-server:${SPIRE_VERSION}`,
  agent: `ghcr.io/spiffe/spire-agent:${SPIRE_VERSION}`,
  /** Of both services: Node.js where distroless images have it, and this repository as it is built. */
  services: 'ephemos-echo:0.1.0',
};

/** In the images. */
export const programs = {
  server: '/opt/spire/bin/spire-server',
  agent: '/opt/spire/bin/spire-agent',
  node: '/nodejs/bin/node',
  echo: { server: '/app/examples/echo/dist/echo-server.js', client: '/app/examples/echo/dist/echo-client.js' },
} as const;

/** Where the certificates are, as the servers and agents see them. */
export const certificates: {
  readonly upstream: Readonly<Record<'certificate' | 'key' | 'roots', string>>;
  readonly authority: string;
  readonly machine: Readonly<Record<'certificate' | 'key', string>>;
  readonly bootstrap: string;
} = {
  upstream: {
    certificate: inContainer(inside.upstream, keyFiles.upstream.certificate),
    key: inContainer(inside.upstream, keyFiles.upstream.key),
    roots: inContainer(inside.upstream, keyFiles.upstream.roots),
  },
  authority: inContainer(inside.nodes, keyFiles.machines.authority),
  machine: {
    certificate: inContainer(inside.node, keyFiles.machines.certificate),
    key: inContainer(inside.node, keyFiles.machines.key),
  },
  bootstrap: inContainer(inside.node, keyFiles.bootstrap),
};

function inContainer(directory: string, file: string): string {
  return `${directory}/${file.slice(file.indexOf('/') + 1)}`;
}
