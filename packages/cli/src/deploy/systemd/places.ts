// Where everything is on a host, said once: units, configurations and the firewall are made from it.

/** Programs and files that do not depend on the service. */
export const places = {
  node: '/usr/bin/node',
  spireServer: '/opt/spire/bin/spire-server',
  spireAgent: '/opt/spire/bin/spire-agent',
  serverConf: '/etc/spire/server.conf',
  agentConf: '/etc/spire/agent.conf',
  serverSocket: '/run/spire/server/private/api.sock',
  agentSocket: '/run/spire/sockets/agent.sock',
  upstream: '/etc/spire/upstream',
  nodes: '/etc/spire/nodes',
  machine: '/etc/spire/node',
  bootstrap: '/etc/spire/bootstrap.pem',
} as const;

/** Ports besides that of the service. */
export const ports = {
  health: 9080,
  metrics: 9090,
  spire: 8081,
  serverHealth: 8082,
  serverMetrics: 9988,
  agentHealth: 9982,
  agentMetrics: 9989,
} as const;

/** The users of SPIRE; the service has one of its own name. */
export const users = { server: 'spire-server', agent: 'spire-agent' } as const;

/** What the service is started with. */
export function programOf(service: string): string {
  return `/opt/${service}/server.js`;
}

/** Its configuration. */
export function configOf(service: string): string {
  return `/etc/ephemos/${service}/config.yaml`;
}
