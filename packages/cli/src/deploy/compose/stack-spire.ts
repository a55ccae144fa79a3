// Names in; the SPIRE of the stack out: the values of its spire.yaml.
import type { Names } from '../project/names.ts';
import { writeYaml, type YamlValue } from '../project/write-yaml.ts';
import { certificates, inside, SERVER_HOST, SERVER_PORT } from './places.ts';
import { nameOf } from './workloads.ts';

/** The values, of which `parseSpire` makes a deployment. What is not here has the default of deploy/spire. */
export function spireValues({ service, domain }: Names): Readonly<Record<string, YamlValue>> {
  return {
    domain,
    subject: { country: [], organization: [service], name: `${service} SPIRE` },
    servers: [{ name: SERVER_HOST, host: SERVER_HOST, port: SERVER_PORT, socket: inside.serverSocket, data: inside.serverData }],
    upstream: certificates.upstream,
    store: { kind: 'sqlite' },
    nodes: { kind: 'x509pop', authority: certificates.authority, ...certificates.machine },
    bundle: { kind: 'file', path: certificates.bootstrap },
    agent: { socket: inside.agentSocket, admin: inside.agentAdmin, data: inside.agentData, workloads: ['unix'] },
  };
}

/** The file. */
export function spireYaml(names: Names): string {
  return `# SPIRE of the stack of ${nameOf(names, 'server')} and ${nameOf(names, 'client')}: what server.conf and agent.conf beside it are rendered from.
# Paths are those in the containers, which compose.yaml mounts. After a change: ephemos deploy render spire.yaml
${writeYaml(spireValues(names))}`;
}
