// Rules that compare a SPIRE configuration with what runs it: each passes what fits, and finds what does not.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Texts, verdictOn } from '../../support/documents.ts';

const conf = (name: string): string => readFileSync(new URL(`../../../../../deploy/spire/kubernetes/${name}`, import.meta.url), 'utf8');
const serverConf = conf('server.conf');
const agentConf = conf('agent.conf');

const workload = ({
  kind = 'StatefulSet',
  program = 'server',
  volume = '',
  mounts = '/run/spire/data',
  port = '8080',
  replicas = '3',
} = {}): string => `
apiVersion: apps/v1
kind: ${kind}
metadata: { name: spire-${program}, namespace: spire-system }
spec:
  replicas: ${replicas}
  template:
    spec:
      serviceAccountName: spire-${program}
      containers:
        - name: it
          image: ghcr.io/spiffe/spire-${program}:1.15.2
          livenessProbe: { httpGet: { path: /live, port: ${port} } }
          volumeMounts: [{ name: data, mountPath: ${mounts} }]
      volumes: [${volume}]
`;
const agentPod = workload({ kind: 'DaemonSet', program: 'agent', mounts: '/run/spire/bundle', port: '9982' });
const cluster = (connections: string): string => `
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: { name: spire-postgres, namespace: spire-system }
spec: { postgresql: { parameters: { max_connections: "${connections}" } } }
`;
const service = (socket: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: echo, namespace: echo }
spec:
  containers: [{ name: echo, image: echo, env: [{ name: SPIFFE_ENDPOINT_SOCKET, value: "${socket}" }] }]
`;

/** The first word of the line in place of its number. */
function named(found: string, texts: Texts): string {
  const [, what = '', file = '', line = ''] = /^(\S+) (\S+):(\d+)$/.exec(found) ?? [];
  return `${what} ${file} ${texts[file]?.split('\n')[Number(line) - 1]?.trim().split(' ')[0]}`;
}

describe('the rules that compare configurations of SPIRE with what runs them', () => {
  it.each<[what: string, rule: string, texts: Texts, found: readonly string[]]>([
    ['a volume', 'backup.configured.volume', { 'a.yaml': workload() }, []],
    [
      'no volume',
      'backup.configured.volume',
      { 'a.yaml': workload({ mounts: '/data' }) },
      ['outside server.conf data_dir', 'outside server.conf keys_path'],
    ],
    [
      'a volume that ends with the pod',
      'backup.configured.volume',
      { 'a.yaml': workload({ volume: '{ name: data, emptyDir: {} }' }) },
      ['ephemeral server.conf data_dir', 'ephemeral server.conf keys_path'],
    ],
    ['enough connections', 'config.production.database', { 'a.yaml': `${workload()}---${cluster('158')}` }, []],
    [
      'too few connections',
      'config.production.database',
      { 'a.yaml': `${workload()}---${cluster('157')}` },
      ['connections server.conf max_open_conns'],
    ],
    [
      'another host',
      'config.production.database',
      { 'a.yaml': `${workload()}---${cluster('200').replace('spire-postgres', 'other')}` },
      ['unknown-host server.conf connection_string'],
    ],
    [
      'a file for several',
      'config.production.database',
      { 'a.yaml': workload(), 'server.conf': serverConf.replace('"postgres"', '"sqlite3"') },
      ['not-shared server.conf database_type'],
    ],
    ['a probe that is answered', 'health.probes.spire-listener', { 'a.yaml': workload() }, []],
    [
      'a probe of another port',
      'health.probes.spire-listener',
      { 'a.yaml': workload({ port: '80' }) },
      ['elsewhere server.conf bind_port'],
    ],
    [
      'a probe of the loopback interface',
      'health.probes.spire-listener',
      {
        'a.yaml': workload(),
        'server.conf': serverConf.replace(/bind_address = "0.0.0.0"(?=\n {2}bind_port = "8080")/, 'bind_address = "localhost"'),
      },
      ['elsewhere server.conf bind_address'],
    ],
    [
      'a probe that nobody answers',
      'health.probes.spire-listener',
      { 'a.yaml': workload(), 'server.conf': serverConf.replace('listener_enabled = true', '') },
      ['probed server.conf health_checks'],
    ],
    ['an account that is there', 'node-attestation.production.allow-list', { 'a.yaml': agentPod }, []],
    [
      'an account of another namespace',
      'node-attestation.production.allow-list',
      { 'a.yaml': agentPod, 'server.conf': serverConf.replace('spire-system:spire-agent', 'spire:spire-agent') },
      ['unknown server.conf service_account_allow_list'],
    ],
    ['a bundle that is mounted', 'spire.reachable.bootstrap', { 'a.yaml': agentPod }, []],
    [
      'a bundle that is not mounted',
      'spire.reachable.bootstrap',
      { 'a.yaml': agentPod.replace('/run/spire/bundle', '/run/spire/other') },
      ['not-mounted agent.conf trust_bundle_path'],
    ],
    [
      'a bundle that compose does not mount',
      'spire.reachable.bootstrap',
      { 'compose.yaml': 'services:\n  agent:\n    image: ghcr.io/spiffe/spire-agent:1.15.2\n    volumes: [a:/run/spire/other]\n' },
      ['not-mounted agent.conf trust_bundle_path'],
    ],
    ['the socket of the agent', 'spire.reachable.socket-name', { 'a.yaml': service('unix:///spiffe-workload-api/agent.sock') }, []],
    [
      'another socket',
      'spire.reachable.socket-name',
      { 'a.yaml': service('unix:///run/spire/sockets/api.sock') },
      ['differs agent.conf socket_path'],
    ],
    [
      'another socket in compose',
      'spire.reachable.socket-name',
      { 'compose.yaml': 'services:\n  echo:\n    environment:\n      - SPIFFE_ENDPOINT_SOCKET=unix:///run/api.sock\n' },
      ['differs agent.conf socket_path'],
    ],
    [
      'an ID of another trust domain in a manifest',
      'trust-domain.production.files',
      { 'a.yaml': 'apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    id: spiffe://prod.acme.net/echo\n' },
      ['differ a.yaml id:'],
    ],
    [
      'an ID of a trust domain that the server federates with',
      'trust-domain.production.files',
      {
        'a.yaml': 'apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    id: spiffe://partner.com/echo\n',
        'server.conf': serverConf.replace(
          'ca_key_type = "ec-p256"',
          'federation { federates_with "partner.com" { bundle_endpoint_url = "https://partner.com/bundle" } }',
        ),
      },
      [],
    ],
  ])('%s (%s)', async (_, rule, texts, found) => {
    const all = { 'server.conf': serverConf, 'agent.conf': agentConf, ...texts };
    const { result, found: seen } = await verdictOn(all, rule);
    expect(seen.map((each) => named(each, all))).toEqual(found);
    expect(result).toBe(found.length === 0 ? 'pass' : 'fail');
  });

  it('compare nothing across deployments that "ephemos deploy init" made', async () => {
    const record = { 'one/ephemos-deploy.json': '{}' };
    const one = { ...record, 'one/server.conf': serverConf, 'two/agent.conf': agentConf.replace('"prod.acme.com"', '"prod.acme.net"') };
    expect(await verdictOn(one, 'trust-domain.production.files')).toEqual({ result: 'pass', found: [] });
    const { 'one/ephemos-deploy.json': _, ...together } = one;
    const { result, found } = await verdictOn(together, 'trust-domain.production.files');
    expect([result, ...found.map((each) => named(each, together))]).toEqual(['fail', 'differ two/agent.conf trust_domain']);
  });

  it('have nothing to look at without what they compare', async () => {
    for (const rule of ['backup.configured.volume', 'spire.reachable.bootstrap', 'spire.reachable.socket-name']) {
      expect(await verdictOn({ 'server.conf': serverConf, 'agent.conf': agentConf }, rule)).toEqual({ result: 'skip', found: [] });
    }
  });
});
