// What everything in the cluster is called and where it is, said once: manifests, SPIRE's configuration, monitors and policies are made from it.
import { SPIRE_VERSION } from '../spire/known-keys.ts';

/** The two namespaces of SPIRE: what agents need of a node must not be allowed where servers and their keys are. */
export const SERVER_NAMESPACE = 'spire-server';
export const AGENT_NAMESPACE = 'spire-system';
/** Where others are, by the defaults of their projects; README.md says where to change it. */
export const MONITORING_NAMESPACE = 'monitoring';
export const COLLECTOR = { namespace: 'observability', service: 'otel-collector', grpc: 4317, http: 4318 } as const;
export const DATABASE_OPERATOR = { namespace: 'cnpg-system', name: 'cloudnative-pg' } as const;

/** Names of objects of SPIRE. */
export const names = {
  server: 'spire-server',
  agent: 'spire-agent',
  manager: 'spire-controller-manager',
  // Not as a ConfigMap that kustomize generates: it would put the hash of that into the Role that names this.
  lease: 'spire-controller-manager-leader',
  csi: 'spiffe-csi-driver',
  database: 'spire-postgres',
  bundle: 'spire-bundle',
  balancer: 'spire-server-lb',
} as const;

/** Secrets that nobody but the owner of the cluster can make, and the one that CloudNativePG makes. */
export const secrets = {
  database: 'spire-postgres-credentials',
  upstream: 'spire-upstream-ca',
  databaseRoots: 'spire-postgres-ca',
} as const;

/** Which controller manager a ClusterSPIFFEID is for. */
export const CLASS_NAME = 'spire';

/** Ports of the service. */
export const ports = { calls: 8080, health: 9080, metrics: 9090 } as const;

/** Ports of SPIRE. */
export const spirePorts = {
  server: 8081,
  serverHealth: 8080,
  managerHealth: 8083,
  agentHealth: 9982,
  metrics: 9988,
  csiHealth: 9809,
} as const;

/** In the containers of SPIRE. */
export const inside = {
  config: '/run/spire/config',
  managerConfig: '/run/spire/controller-manager',
  data: '/run/spire/data',
  serverSocket: '/run/spire/server/private/api.sock',
  upstream: '/run/spire/upstream',
  databaseRoots: '/run/spire/database',
  bundle: '/run/spire/bundle',
  admin: '/run/spire/agent/private/admin.sock',
  tokens: '/var/run/secrets/tokens',
} as const;

/** On each node: what the agent, the CSI driver and a hostPath volume mean by the socket of the Workload API. */
export const SOCKET_DIRECTORY = '/run/spire/sockets';
export const SOCKET_FILE = 'agent.sock';
/** In the containers of workloads. */
export const WORKLOAD_SOCKET_DIRECTORY = '/spiffe-workload-api';
export const CSI_DRIVER = 'csi.spiffe.io';
export const KUBELET_DIRECTORY = '/var/lib/kubelet';

/** The user of SPIRE's server image, and of the controller manager beside it. */
export const SPIRE_USER = 1000;
/** The user of the image of the service (deploy/docker). */
export const SERVICE_USER = 65_532;

/** Servers of SPIRE, and what they may open on the database. */
export const servers = { replicas: 3, connections: 50, limit: 200 } as const;

/** By version, as their projects publish them; "ephemos deploy pin" adds the digests. */
export const images: Readonly<Record<'server' | 'agent' | 'manager' | 'csi' | 'registrar' | 'database', string>> = {
  server: `ghcr.io/spiffe/spire-server:${SPIRE_VERSION}`,
  agent: `ghcr.io/spiffe/spire-agent:${SPIRE_VERSION}`,
  manager: 'ghcr.io/spiffe/spire-controller-manager:0.6.6',
  csi: 'ghcr.io/spiffe/spiffe-csi-driver:0.2.12',
  registrar: 'registry.k8s.io/sig-storage/csi-node-driver-registrar:v2.15.0',
  database: 'ghcr.io/cloudnative-pg/postgresql:18.6-system-trixie',
};

/** In the image of the service: deploy/docker/Dockerfile. */
export const programs = { node: '/nodejs/bin/node', client: '/app/examples/echo/dist/echo-client.js' } as const;

/** The release of Kubernetes whose pod security is meant. */
export const POD_SECURITY_VERSION = 'v1.36';

/** Memory of the containers of the service, and the part of it that is heap: deploy/docker/README.md, "Memory". */
export const memory = { request: '128Mi', limit: '256Mi', heap: '--max-old-space-size=160' } as const;

/** How long a server of ours takes to end: the pod has as long as the configuration says. */
export const shutdown = { delay: 5, deadline: 20, grace: 30 } as const;
