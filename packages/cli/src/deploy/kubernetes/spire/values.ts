// Answers in; SPIRE as it is in the cluster out: the values of spire.yaml, of which server.conf and agent.conf are rendered.
import { writeYaml, type YamlMapping } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { AGENT_NAMESPACE, inside, names, SERVER_NAMESPACE, SOCKET_DIRECTORY, SOCKET_FILE, servers, spirePorts } from '../places.ts';

/** Where servers reach the database: CloudNativePG makes the Service, and a certificate that names it. */
export const DATABASE_HOST: string = `${names.database}-rw.${SERVER_NAMESPACE}.svc`;
/** Where agents reach the servers. */
export const SERVER_HOST: string = `${names.server}.${SERVER_NAMESPACE}.svc`;
/** The environment variable with the password of the database. */
export const PASSWORD_VARIABLE = 'SPIRE_DATABASE_PASSWORD';
/** The role and the database. */
export const DATABASE_USER = 'spire';

/** The values, of which `parseSpire` makes a deployment. What is not here has the default of deploy/spire. */
export function spireValues({ domain, cluster }: ClusterAnswers): YamlMapping {
  return {
    domain,
    subject: { country: [], organization: [domain], name: `SPIRE of ${domain}` },
    servers: [
      {
        name: names.server,
        host: SERVER_HOST,
        replicas: servers.replicas,
        port: spirePorts.server,
        health: { address: '0.0.0.0', port: spirePorts.serverHealth },
        metrics: { address: '0.0.0.0', port: spirePorts.metrics },
        socket: inside.serverSocket,
        data: inside.data,
      },
    ],
    upstream: { certificate: `${inside.upstream}/tls.crt`, key: `${inside.upstream}/tls.key`, roots: `${inside.upstream}/ca.crt` },
    store: {
      kind: 'postgres',
      host: DATABASE_HOST,
      database: DATABASE_USER,
      user: DATABASE_USER,
      variable: PASSWORD_VARIABLE,
      roots: `${inside.databaseRoots}/ca.crt`,
      connections: servers.connections,
      limit: servers.limit,
    },
    nodes: { kind: 'k8s_psat', cluster, namespace: AGENT_NAMESPACE, account: names.agent, token: `${inside.tokens}/spire-agent` },
    bundle: { kind: 'configmap', namespace: AGENT_NAMESPACE, name: names.bundle, directory: inside.bundle },
    agent: {
      socket: `${SOCKET_DIRECTORY}/${SOCKET_FILE}`,
      admin: inside.admin,
      data: inside.data,
      keys: 'memory',
      health: { address: '0.0.0.0', port: spirePorts.agentHealth },
      metrics: { address: '0.0.0.0', port: spirePorts.metrics },
      workloads: ['k8s'],
    },
  };
}

/** spire/spire.yaml */
export function spireYaml(answers: ClusterAnswers): string {
  return `# SPIRE of the cluster: what server.conf and agent.conf beside it are rendered from. Paths are those in the pods.
# After a change: ephemos deploy render spire.yaml
${writeYaml(spireValues(answers))}`;
}
