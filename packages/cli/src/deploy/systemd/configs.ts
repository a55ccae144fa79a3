// Answers in; the configuration of the service, that of SPIRE, and who is who out.
import { entriesYaml } from '../../entries/entries-yaml.ts';
import { newEntry } from '../../entries/entry.ts';
import { entryIdOf } from '../../entries/ownership.ts';
import { writeYaml, type YamlValue } from '../project/write-yaml.ts';
import { parseSpire } from '../spire/read-spire.ts';
import { renderSpire } from '../spire/render-spire.ts';
import type { HostAnswers } from './answers.ts';
import { configOf, places, ports } from './places.ts';

/** config.yaml */
export function serviceConfig({ service, domain, port, clients, monitoring }: HostAnswers): string {
  const everywhere = monitoring.length > 0;
  return `# The service, as ${configOf(service)}. Where its identity comes from is in its unit (SPIFFE_ENDPOINT_SOCKET).
service:
  # Together its SPIFFE ID: spiffe://${domain}/${service}
  name: ${service}
  domain: ${domain}
  # Who may call. Nobody else gets past the handshake. For anything finer: policy.
  authorized_clients:
${clients.map((id) => `    - ${id}`).join('\n')}

# Behind mTLS; the firewall says from where.
listen:
  address: ":${port}"

# In plaintext: on this machine alone.
health:
  address: 127.0.0.1:${ports.health}

# In plaintext: ${everywhere ? 'the firewall lets the monitoring network in, and nobody else' : 'on this machine alone'}.
metrics:
  address: ${everywhere ? `":${ports.metrics}"` : `127.0.0.1:${ports.metrics}`}

# Together below TimeoutStopSec= of its unit, which is grace_period.
shutdown:
  drain_delay: 5s
  deadline: 20s
  grace_period: 30s
`;
}

/** spire.yaml, server.conf and agent.conf */
export function spireFiles(answers: HostAnswers): ReadonlyMap<string, string> {
  const values = spireValues(answers);
  const yaml = `# SPIRE of ${answers.domain}: what server.conf and agent.conf beside it are rendered from. After a change: ephemos deploy render spire.yaml
${writeYaml(values)}`;
  return new Map([['spire.yaml', yaml], ...renderSpire(parseSpire(values))]);
}

/** entries.yaml */
export function entriesFile({ service, domain, machine }: HostAnswers): string {
  const spiffeId = `spiffe://${domain}/${service}`;
  const parentId = `spiffe://${domain}/spire/agent/x509pop/${machine}`;
  const entry = newEntry({
    entryId: entryIdOf(service, { spiffeId, parentId, key: undefined }),
    spiffeId,
    parentId,
    selectors: [`unix:user:${service}`],
  });
  return `# Who is who: the agent on ${machine} gives a process of the user ${service} this SPIFFE ID. One more for each machine that runs it.
${entriesYaml(service, [entry])}`;
}

// What is not here has the default of deploy/spire.
function spireValues({ domain, service, host, monitoring }: HostAnswers): Readonly<Record<string, YamlValue>> {
  const metrics = (port: number): YamlValue => ({ address: '0.0.0.0', port });
  const everywhere = monitoring.length > 0;
  return {
    domain,
    subject: { country: [], organization: [service], name: `${domain} SPIRE` },
    servers: [{ name: 'spire-server', host, ...(everywhere ? { metrics: metrics(ports.serverMetrics) } : {}) }],
    upstream: { certificate: `${places.upstream}/tls.crt`, key: `${places.upstream}/tls.key`, roots: `${places.upstream}/ca.crt` },
    store: { kind: 'sqlite' },
    nodes: { kind: 'x509pop' },
    bundle: { kind: 'file', path: places.bootstrap },
    agent: { workloads: ['unix'], ...(everywhere ? { metrics: metrics(ports.agentMetrics) } : {}) },
  };
}
