// Each rule over SPIRE configurations: it passes what is in deploy/spire, and finds the one change that makes it wrong, at its line.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Texts, verdictOn } from '../../support/documents.ts';

const conf = (name: string): string => readFileSync(new URL(`../../../../../deploy/spire/kubernetes/${name}`, import.meta.url), 'utf8');
const texts: Texts = { 'server.conf': conf('server.conf'), 'agent.conf': conf('agent.conf') };

interface Slip {
  readonly rule: string;
  readonly file: 'server.conf' | 'agent.conf';
  readonly from: string;
  readonly to: string;
  /** What is found; its line is that of `at`, or of `to`. */
  readonly finds: string;
  readonly at?: string;
  readonly result?: 'warn';
}

const server = 'server.conf';
const agent = 'agent.conf';

const slips: readonly Slip[] = [
  { rule: 'config.production.spire-keys', file: server, from: 'default_x509_svid_ttl', to: 'default_svid_ttl', finds: 'unread' },
  {
    rule: 'config.production.spire-keys',
    file: agent,
    from: 'x509_svid_cache_max_size = 1000',
    to: 'experimental { cache_reloaded_svids = true }',
    finds: 'unread',
  },
  {
    rule: 'config.production.spire-required',
    file: server,
    from: '  data_dir = "/run/spire/data"\n',
    to: '',
    finds: 'missing',
    at: 'server {',
  },
  {
    rule: 'config.production.spire-required',
    file: agent,
    from: '  trust_bundle_path = "/run/spire/bundle/bundle.spiffe"\n',
    to: '',
    finds: 'missing',
    at: 'agent {',
  },
  {
    rule: 'config.production.spire-required',
    file: agent,
    from: 'rebootstrap_mode = "auto"',
    to: 'trust_bundle_url = "https://a"',
    finds: 'too-many',
  },
  {
    rule: 'config.production.spire-required',
    file: agent,
    from: 'KeyManager "memory" {',
    to: 'KeyManager "disk" { }\n  KeyManager "memory" {',
    finds: 'too-many',
    at: 'KeyManager "memory"',
  },
  { rule: 'config.production.spire-debugging', file: agent, from: '"INFO"', to: '"DEBUG"', finds: 'log-level', result: 'warn' },
  {
    rule: 'config.production.spire-debugging',
    file: server,
    from: 'audit_log_enabled',
    to: 'profiling_enabled',
    finds: 'switch',
    result: 'warn',
  },
  {
    rule: 'config.production.spire-debugging',
    file: server,
    from: 'max_idle_conns = 12',
    to: 'log_sql = true',
    finds: 'switch',
    result: 'warn',
  },
  {
    rule: 'config.production.spire-deprecated',
    file: server,
    from: 'BundlePublisher "k8s_configmap"',
    to: 'Notifier "k8sbundle"',
    finds: 'plugin',
    result: 'warn',
  },
  {
    rule: 'config.production.spire-socket',
    file: server,
    from: '"/run/spire/server/',
    to: '"/tmp/spire-server/',
    finds: 'temporary',
    result: 'warn',
  },
  {
    rule: 'config.production.spire-socket',
    file: agent,
    from: '  socket_path = "/run/spire/sockets/agent.sock"\n',
    to: '',
    finds: 'temporary',
    at: 'agent {',
    result: 'warn',
  },
  { rule: 'config.production.database', file: server, from: ' sslmode=verify-full', to: '', finds: 'unverified', at: 'connection_string' },
  { rule: 'config.production.database', file: server, from: 'verify-full sslroot', to: 'verify-ca sslroot', finds: 'unverified' },
  { rule: 'trust-domain.production.name', file: server, from: '"prod.acme.com"', to: '"example.org"', finds: 'reserved' },
  { rule: 'trust-domain.production.name', file: agent, from: '"prod.acme.com"', to: '"prod.acme.local"', finds: 'reserved' },
  { rule: 'trust-domain.production.files', file: agent, from: '"prod.acme.com"', to: '"prod.acme.net"', finds: 'differ' },
  {
    rule: 'ca.hierarchy.upstream',
    file: server,
    from: 'UpstreamAuthority "disk"',
    to: 'CredentialComposer "uniqueid"',
    finds: 'missing',
    at: 'server {',
    result: 'warn',
  },
  { rule: 'ca.hierarchy.keys', file: server, from: 'KeyManager "disk"', to: 'KeyManager "memory"', finds: 'memory' },
  {
    rule: 'ca.hierarchy.subject',
    file: server,
    from: 'ca_subject {',
    to: 'federation {',
    finds: 'default',
    at: 'server {',
    result: 'warn',
  },
  { rule: 'ca.hierarchy.lives', file: server, from: 'agent_ttl = "24h"', to: 'agent_ttl = "29h"', finds: 'shortened', result: 'warn' },
  { rule: 'ca.hierarchy.lives', file: server, from: '"1h"', to: '"1 hour"', finds: 'malformed' },
  {
    rule: 'node-attestation.production.attestor',
    file: server,
    from: 'NodeAttestor "k8s_psat"',
    to: 'NodeAttestor "k8s_sat"',
    finds: 'removed',
  },
  {
    rule: 'node-attestation.production.attestor',
    file: agent,
    from: 'NodeAttestor "k8s_psat"',
    to: 'NodeAttestor "join_token"',
    finds: 'join-token',
  },
  {
    rule: 'node-attestation.production.attestor',
    file: agent,
    from: 'rebootstrap_mode = "auto"',
    to: 'join_token = "x"',
    finds: 'join-token',
  },
  {
    rule: 'node-attestation.production.attestor',
    file: server,
    from: 'NodeAttestor "k8s_psat"',
    to: 'Notifier "gcs_bundle"',
    finds: 'none',
    at: 'server {',
  },
  {
    rule: 'node-attestation.production.verified',
    file: agent,
    from: 'trust_bundle_format = "spiffe"',
    to: 'insecure_bootstrap = true',
    finds: 'bootstrap',
  },
  {
    rule: 'node-attestation.production.verified',
    file: agent,
    from: 'node_name_env = "MY_NODE_NAME"',
    to: 'skip_kubelet_verification = true',
    finds: 'kubelet',
  },
  {
    rule: 'node-attestation.production.verified',
    file: agent,
    from: 'node_name_env = "MY_NODE_NAME"',
    to: 'kubelet_read_only_port = 10255',
    finds: 'read-only-port',
    result: 'warn',
  },
  { rule: 'node-attestation.production.agreed', file: agent, from: 'cluster = "production"', to: 'cluster = "prod"', finds: 'differ' },
  { rule: 'node-attestation.production.allow-list', file: server, from: '["spire-system:spire-agent"]', to: '[]', finds: 'empty' },
  {
    rule: 'observability.wired.spire-telemetry',
    file: server,
    from: 'telemetry {\n  Prometheus {\n    host = "0.0.0.0"\n    port = 9988\n  }\n}',
    to: '',
    finds: 'off',
    at: 'server {',
    result: 'warn',
  },
  {
    rule: 'health.probes.spire-listener',
    file: agent,
    from: 'listener_enabled = true',
    to: 'listener_enabled = false',
    finds: 'off',
    at: 'health_checks',
    result: 'warn',
  },
  {
    rule: 'authz.default-deny.admins',
    file: server,
    from: 'audit_log_enabled = true',
    to: 'admin_ids = ["spiffe://other.acme.com/ops"]',
    finds: 'foreign',
  },
  {
    rule: 'authz.default-deny.admins',
    file: agent,
    from: 'rebootstrap_mode = "auto"',
    to: 'authorized_delegates = ["spiffe://other.acme.com/x"]',
    finds: 'foreign',
  },
  {
    rule: 'secrets.none.spire',
    file: server,
    from: `password=\${SPIRE_DATABASE_PASSWORD}`,
    to: 'password=hunter2',
    finds: 'database-password',
  },
  {
    rule: 'secrets.none.spire',
    file: server,
    from: 'UpstreamAuthority "disk" {\n    plugin_data {',
    to: 'UpstreamAuthority "awssecret" {\n    plugin_data {\n      secret_access_key = "x"',
    finds: 'plugin-secret',
    at: 'secret_access_key',
  },
];

describe('the rules over configurations of SPIRE', () => {
  it.each([...new Set(slips.map(({ rule }) => rule))])('%s passes deploy/spire/kubernetes', async (rule) => {
    expect(await verdictOn(texts, rule)).toEqual({ result: 'pass', found: [] });
  });

  it.each(slips)('$rule.$finds: $file with "$to" for "$from"', async ({ rule, file, from, to, finds, at, result = 'fail' }) => {
    const before = texts[file] ?? '';
    expect(before).toContain(from);
    const after = before.replace(from, to);
    const line = after.slice(0, at === undefined ? before.indexOf(from) + to.trimEnd().length : after.indexOf(at)).split('\n').length;
    expect(await verdictOn({ ...texts, [file]: after }, rule)).toEqual({ result, found: [`${finds} ${file}:${line}`] });
  });
});
