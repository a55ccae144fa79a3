import { describe, expect, it } from 'vitest';
import { checkAgreement } from '../../../src/deploy/spire/check-agreement.ts';
import { checkConf } from '../../../src/deploy/spire/check-conf.ts';
import { findAll, findText } from '../../../src/deploy/spire/hcl-lookup.ts';
import { parseSpire } from '../../../src/deploy/spire/read-spire.ts';
import { RENDERED_MARK, renderSpire } from '../../../src/deploy/spire/render-spire.ts';
import { textOf, valuesOf, variants } from './variants.ts';

function rendered(variant: string, changes: Readonly<Record<string, unknown>> = {}): ReadonlyMap<string, string> {
  return renderSpire(parseSpire(valuesOf(variant, changes)));
}

function valueIn(text: string | undefined, path: string): string | undefined {
  const { root } = checkConf(text ?? '', 'a.conf');
  const value = root === undefined ? undefined : findAll(root, path.split('.')).at(-1)?.value;
  return value === undefined || value.kind === 'object' || value.kind === 'list' ? undefined : value.text;
}

describe.each(variants)('%s', (variant) => {
  const files = rendered(variant);

  it('is what stands in the checkout, byte for byte', () => {
    for (const [name, text] of files) expect(text, name).toBe(textOf(variant, name));
  });

  it('has server.conf and agent.conf that SPIRE reads whole and that agree', () => {
    const confs = ['server.conf', 'agent.conf'].map((name) => checkConf(files.get(name) ?? '', name));
    expect(confs.flatMap(({ problems }) => problems)).toEqual([]);
    expect(checkAgreement(confs)).toEqual([]);
    expect(confs.map(({ program }) => program)).toEqual(['server', 'agent']);
  });

  it('says in every file that it was rendered, and holds no secret', () => {
    for (const [name, text] of files) {
      expect(text, name).toContain(RENDERED_MARK);
      expect(text.replaceAll(/password=\$\{\w+\}/g, ''), name).not.toMatch(/password=|-----BEGIN|\$\{|memory" \{\n {4}plugin_data \{\n/);
    }
  });

  it('has the trust domain, the port and the bundle in both, from one input', () => {
    const changed = rendered(variant, { domain: 'other.test' });
    for (const name of ['server.conf', 'agent.conf']) {
      const text = changed.get(name);
      expect(valueIn(text, `${name.split('.')[0]}.trust_domain`)).toBe('other.test');
      expect(text).not.toContain('prod.acme.com');
    }
    expect(valueIn(files.get('agent.conf'), 'agent.server_port')).toBe(valueIn(files.get('server.conf'), 'server.bind_port'));
  });

  it('has probes, metrics, rate limits, an audit log and JSON logs, and no experimental key', () => {
    const server = files.get('server.conf') ?? '';
    expect(valueIn(server, 'health_checks.listener_enabled')).toBe('true');
    expect(valueIn(files.get('agent.conf'), 'health_checks.listener_enabled')).toBe('true');
    expect(valueIn(server, 'server.ratelimit.attestation')).toBe('true');
    expect(valueIn(server, 'server.ratelimit.signing')).toBe('true');
    expect(valueIn(server, 'server.audit_log_enabled')).toBe('true');
    expect(valueIn(server, 'server.log_format')).toBe('json');
    expect(server + (files.get('agent.conf') ?? '')).not.toMatch(/experimental|insecure_bootstrap|skip_kubelet_verification/);
  });
});

it('the telemetry of hosts is on loopback alone', () => {
  for (const variant of ['host', 'host-ha']) {
    for (const name of ['server.conf', 'agent.conf']) expect(valueIn(textOf(variant, name), 'telemetry.Prometheus.host')).toBe('localhost');
  }
});

describe('host-ha', () => {
  const files = rendered('host-ha');

  it('verifies the database, keeps below its connections, and has the password from the environment', () => {
    expect(valueIn(files.get('server.conf'), 'plugins.DataStore.sql.plugin_data.connection_string')).toBe(
      `dbname=spire user=spire password=\${SPIRE_DATABASE_PASSWORD} host=postgres.acme.internal port=5432 sslmode=verify-full sslrootcert=/etc/spire/database/ca.crt connect_timeout=5`,
    );
    expect(valueIn(files.get('server.conf'), 'plugins.DataStore.sql.plugin_data.max_open_conns')).toBe('40');
    expect(files.get('postgres.sql')).toContain('CONNECTION LIMIT 84 ');
  });

  it('lets agents through the balancer, with the ports of the servers and nobody else speaking for them', () => {
    expect(valueIn(files.get('agent.conf'), 'agent.server_address')).toBe('spire.acme.internal');
    expect(files.get('haproxy.cfg')).toContain('server spire-2 spire-2.acme.internal:8081 check port 8082');
    expect(files.get('server.conf')).toContain('proxy_protocol_trusted_cidrs = ["10.0.0.10/32"]');
  });

  it('renders servers that differ one by one', () => {
    const [first, second] = [
      {
        name: 'a',
        host: '127.0.0.1',
        port: 1001,
        health: { address: '127.0.0.1', port: 1002 },
        metrics: { address: '127.0.0.1', port: 1003 },
        socket: '/a.sock',
        data: '/a',
      },
      {
        name: 'b',
        host: '127.0.0.1',
        port: 2001,
        health: { address: '127.0.0.1', port: 2002 },
        metrics: { address: '127.0.0.1', port: 2003 },
        socket: '/b.sock',
        data: '/b',
      },
    ];
    const names = [...rendered('host-ha', { servers: [first, second] }).keys()];
    expect(names).toEqual(['server-a.conf', 'server-b.conf', 'agent.conf', 'haproxy.cfg', 'postgres.sql', 'postgres.hba']);
  });

  it.each([
    [{ kind: 'aws_kms', region: 'eu-central-1', policy: '/etc/spire/policy.json' }, 'region'],
    [{ kind: 'gcp_kms', ring: 'projects/acme/locations/europe-west3/keyRings/spire' }, 'key_ring'],
    [{ kind: 'azure_key_vault', vault: 'https://acme.vault.azure.net' }, 'key_vault_uri'],
  ])('keeps its keys in %o', (keys, key) => {
    const text = rendered('host-ha', { keys }).get('server.conf');
    expect(checkConf(text ?? '', 'server.conf').problems).toEqual([]);
    expect(valueIn(text, `plugins.KeyManager.${keys.kind}.plugin_data.${key}`)).toBeDefined();
    expect(valueIn(text, `plugins.KeyManager.${keys.kind}.plugin_data.key_identifier_file`)).toBe('/var/lib/spire/server/key-identifier');
  });
});

describe('kubernetes', () => {
  it('has one cluster, one service account and one ConfigMap on both sides', () => {
    const files = rendered('kubernetes', {
      nodes: { kind: 'k8s_psat', cluster: 'east', namespace: 'spire', account: 'node-agent', audience: 'spire-east' },
      bundle: { kind: 'configmap', namespace: 'spire', name: 'roots', key: 'b.json', directory: '/bundle' },
    });
    const server = checkConf(files.get('server.conf') ?? '', 'server.conf').root;
    if (server === undefined) return expect.unreachable();
    const cluster = ['plugins', 'NodeAttestor', 'k8s_psat', 'plugin_data', 'clusters', 'east'];
    expect(findAll(server, [...cluster, 'service_account_allow_list'])[0]?.value).toMatchObject({ values: [{ text: 'spire:node-agent' }] });
    expect(findAll(server, [...cluster, 'audience'])[0]?.value).toMatchObject({ values: [{ text: 'spire-east' }] });
    expect(
      findText(server, ['plugins', 'BundlePublisher', 'k8s_configmap', 'plugin_data', 'clusters', 'east', 'configmap_key'])?.text,
    ).toBe('b.json');
    expect(valueIn(files.get('agent.conf'), 'agent.trust_bundle_path')).toBe('/bundle/b.json');
    expect(valueIn(files.get('agent.conf'), 'agent.trust_bundle_format')).toBe('spiffe');
    expect(valueIn(files.get('agent.conf'), 'plugins.NodeAttestor.k8s_psat.plugin_data.cluster')).toBe('east');
  });
});

it('without an upstream authority the agents are told where their bundle comes from', () => {
  const files = rendered('host', { upstream: undefined });
  expect(files.get('server.conf')).not.toContain('UpstreamAuthority');
  expect(files.get('agent.conf')).toContain('"spire-server bundle show"');
});

it('each kind of workload has its attestor', () => {
  const text = rendered('host', { agent: { workloads: ['unix', 'systemd', 'docker'] } }).get('agent.conf') ?? '';
  const { root, problems } = checkConf(text, 'agent.conf');
  expect(problems).toEqual([]);
  expect(root === undefined ? [] : findAll(root, ['plugins', 'WorkloadAttestor', '*']).map(({ key }) => key.name)).toEqual([
    'unix',
    'systemd',
    'docker',
  ]);
});
