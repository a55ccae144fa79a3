import { describe, expect, it } from 'vitest';
import { checkConf } from '../../../src/deploy/spire/check-conf.ts';
import { MAX_PROBLEMS } from '../../../src/deploy/spire/check-keys.ts';
import { textOf } from './variants.ts';

function told(text: string): readonly string[] {
  return checkConf(text, 'a.conf').problems.map(
    ({ line, column, key, message, hint }) => `${line}:${column} ${key}: ${message}; ${hint ?? 'no hint'}`,
  );
}

const noKey = 'SPIRE 1.15.2 reads no such key';

describe('a key that SPIRE does not read is found where it stands, with what was meant', () => {
  it.each<[rule: string, text: string, problem: string]>([
    ['mistyped', 'server {\n  bind_prt = 1\n}', `2:3 server.bind_prt: ${noKey}; did you mean bind_port?`],
    [
      'of another section',
      'agent { sync_interval = "1s" }',
      `1:9 agent.sync_interval: ${noKey}; did you mean agent.experimental.sync_interval?`,
    ],
    [
      'of the other program',
      'agent { default_x509_svid_ttl = "1h" }',
      `1:9 agent.default_x509_svid_ttl: ${noKey}; that is a key of spire-server, server.default_x509_svid_ttl`,
    ],
    ['below experimental', 'server { experimental { cache_reload = "1s" } }', `1:25 server.experimental.cache_reload: ${noKey}; no hint`],
    [
      'that never was',
      'agent { experimental { cache_reloaded_svids = true } }',
      `1:24 agent.experimental.cache_reloaded_svids: ${noKey}; SPIRE never had it: the size of the cache is agent.x509_svid_cache_max_size`,
    ],
    [
      'that is no more',
      'server { default_svid_ttl = "1h" }',
      `1:10 server.default_svid_ttl: ${noKey}; it ended with SPIRE 1.6: write default_x509_svid_ttl, and default_jwt_svid_ttl`,
    ],
    ['in quotes', 'server { "audit_log" = true }', `1:10 server.audit_log: ${noKey}; no hint`],
    [
      'of a plugin',
      'server {}\nplugins { KeyManager "disk" { plugin_data { key_path = "a" } } }',
      `2:45 plugins.KeyManager.disk.plugin_data.key_path: ${noKey}; did you mean keys_path?`,
    ],
    [
      'of a plugin, as its documentation has it',
      'server {}\nplugins { NodeAttestor "x509pop" { plugin_data { svid_prefix = "a" } } }',
      `2:50 plugins.NodeAttestor.x509pop.plugin_data.svid_prefix: ${noKey}; the documentation of SPIRE 1.15 calls it so, and the plugin reads spiffe_prefix`,
    ],
    [
      'beside plugin_data',
      'server {}\nplugins { KeyManager "disk" { keys_path = "a" } }',
      `2:31 plugins.KeyManager.disk.keys_path: ${noKey}; did you mean plugins.KeyManager.disk.plugin_data.keys_path?`,
    ],
    [
      'in place of plugin_data',
      'server {}\nplugins { KeyManager "disk" { plugin_config { } } }',
      `2:31 plugins.KeyManager.disk.plugin_config: ${noKey}; the keys are enabled, plugin_args, plugin_checksum, plugin_cmd, plugin_data, plugin_data_file`,
    ],
    [
      'of a plugin without any',
      'server {}\nplugins { KeyManager "memory" { plugin_data { a = 1 } } }',
      `2:47 plugins.KeyManager.memory.plugin_data.a: ${noKey}; remove it: there are no keys here`,
    ],
    [
      'below a name that is chosen',
      'server {}\nplugins { NodeAttestor "k8s_psat" { plugin_data { clusters = { "a" = { audiences = ["b"] } } } } }',
      `2:72 plugins.NodeAttestor.k8s_psat.plugin_data.clusters.a.audiences: ${noKey}; did you mean audience?`,
    ],
    ['in a list', 'agent {}\ntelemetry { Statsd = [{ addres = "a" }] }', `2:25 telemetry.Statsd.addres: ${noKey}; did you mean address?`],
    [
      'of federation',
      'server { federation { federates_with "b.test" { bundle_endpoint { } } } }',
      `1:49 server.federation.federates_with.b.test.bundle_endpoint: ${noKey}; did you mean server.federation.bundle_endpoint?`,
    ],
    ['at the top', 'server {}\nhealth_check {}', `2:1 health_check: ${noKey}; did you mean health_checks?`],
  ])('one %s', (_, text, problem) => {
    expect(told(text)).toEqual([problem]);
  });

  it.each<[text: string, problem: string]>([
    [
      'server {}\nplugins { NodeAttestor "k8s_sat" { plugin_data {} } }',
      '2:24 plugins.NodeAttestor.k8s_sat: SPIRE 1.15.2 has no such plugin; it ended with SPIRE 1.12: use k8s_psat, with a projected token',
    ],
    [
      'server {}\nplugins { KeyManager "dsk" { plugin_data {} } }',
      '2:22 plugins.KeyManager.dsk: SPIRE 1.15.2 has no such plugin; did you mean disk?',
    ],
    [
      'agent {}\nplugins { KeyManagr "disk" { } }',
      '2:11 plugins.KeyManagr: SPIRE 1.15.2 has no such type of plugin; did you mean KeyManager?',
    ],
    [
      'agent {}\nplugins { NodeResolver "x" { } }',
      '2:11 plugins.NodeResolver: SPIRE 1.15.2 has no such type of plugin; it ended with SPIRE 1.0: remove it',
    ],
  ])('a plugin that SPIRE does not have: %s', (text, problem) => {
    expect(told(text)).toEqual([problem]);
  });
});

describe('what SPIRE reads is left alone', () => {
  it.each<[rule: string, text: string]>([
    ['other capitals', 'Server { BIND_PORT = 1 }'],
    ['a key in quotes', '"server" { "bind_port" = 1 }'],
    [
      'plugins in other shapes',
      'server {}\nplugins { KeyManager { disk { plugin_data { keys_path = "a" } } } NodeAttestor "join_token" plugin_data { } }',
    ],
    ['a plugin that is a program', 'server {}\nplugins { KeyManager "mine" { plugin_cmd = "/x" plugin_data { whatever = 1 } } }'],
    [
      'a plugin that is a program, with a name of SPIRE',
      'server {}\nplugins { KeyManager "disk" { plugin_cmd = "/x" plugin_data { whatever = 1 } } }',
    ],
    ['several plugins of a type', 'agent {}\nplugins { WorkloadAttestor "unix" { } WorkloadAttestor "systemd" { } }'],
    ['several sinks', 'agent {}\ntelemetry { Statsd { address = "a" } Statsd { address = "b" } }'],
    ['tags that are chosen', 'server {}\nplugins { KeyManager "aws_kms" { plugin_data { key_tags = { any = "thing" } } } }'],
    [
      'a database type with a block',
      'server {}\nplugins { DataStore "sql" { plugin_data { database_type "aws_postgres" { region = "a" } } } }',
    ],
    ['JSON', '{ "server": { "bind_port": 1 }, "plugins": { "KeyManager": [{ "disk": { "plugin_data": { "keys_path": "a" } } }] } }'],
  ])('%s', (_, text) => {
    expect(told(text)).toEqual([]);
  });
});

it.each<[text: string, place: string]>([
  ['server { bind_port = 1\n bind_port = 2 }', '2:2 server.bind_port'],
  ['server { bind_port = 1 }\nserver { data_dir = "a" }', '2:1 server'],
  ['server { federation { federates_with "a" { }\nfederates_with "a" { } } }', '2:16 server.federation.federates_with.a'],
  ['server {}\nplugins { KeyManager "disk" { }\nKeyManager "disk" { } }', '3:12 plugins.KeyManager.disk'],
])('what stands there twice is refused, since SPIRE takes the last one: %s', (text, place) => {
  expect(told(text)).toEqual([`${place}: this is set twice, and SPIRE takes the last one; remove one of the two`]);
});

it('a file that is no configuration of SPIRE is refused in one line', () => {
  expect(told('vault { }')).toEqual(['1:1 : there is neither a server nor an agent section; a configuration of SPIRE has one of the two']);
  expect(told('server {')).toEqual(['1:8 : this brace is never closed; no hint']);
});

it('a flood of keys is counted and not named', () => {
  const { problems, total } = checkConf(`server {\n${Array.from({ length: 5000 }, (_, index) => `k${index} = 1`).join('\n')}\n}`, 'a.conf');
  expect({ named: problems.length, total }).toEqual({ named: MAX_PROBLEMS, total: 5000 });
});

it.each([
  ['keys on one line', 'a = 1 '],
  ['one key again and again', 'bind_port = 1 '],
  ['texts', 'log_level = "\u{1f600}" '],
])(
  'a large file of %s takes no longer than it has to',
  (_, piece) => {
    const { total } = checkConf(`server { ${piece.repeat(100_000)} }`, 'a.conf');
    expect(total).toBeGreaterThan(0);
  },
  10_000,
);

describe('the configurations of the guide', () => {
  it('are refused for what SPIRE would refuse and for what it would ignore', () => {
    const server =
      'server {\n  bind_port = "8081"\n  ca_ttl = "168h"\n  default_svid_ttl = "1h"\n}\nplugins {\n  KeyManager "memory" {\n    plugin_data = {}\n  }\n  NodeAttestor "k8s_sat" {\n    plugin_data {\n      clusters = { "production" = { service_account_allow_list = ["spire:spire-agent"] } }\n    }\n  }\n}';
    expect(checkConf(server, 'server.conf').problems.map(({ key }) => key)).toEqual([
      'server.default_svid_ttl',
      'plugins.NodeAttestor.k8s_sat',
    ]);
    const agent = 'agent {\n  experimental {\n    cache_reloaded_svids = true\n  }\n  log_level = "WARN"\n}';
    expect(checkConf(agent, 'agent.conf').problems.map(({ line, key }) => `${line} ${key}`)).toEqual([
      '3 agent.experimental.cache_reloaded_svids',
    ]);
  });
});

// Every key of what we render, misspelt one at a time.
describe.each([
  ['host', 'server.conf'],
  ['host', 'agent.conf'],
  ['host-ha', 'server.conf'],
  ['kubernetes', 'server.conf'],
  ['kubernetes', 'agent.conf'],
])('%s/%s', (variant, name) => {
  const lines = textOf(variant, name).split('\n');
  const keys = lines.flatMap((line, index) => {
    const [, before = '', key] = /^(\s*)(\w+)(?= = | \{| ")/.exec(line) ?? [];
    return key === undefined ? [] : [{ index, column: before.length + 1, key }];
  });

  it('has no key that SPIRE ignores', () => {
    expect(told(lines.join('\n'))).toEqual([]);
    expect(keys.length).toBeGreaterThan(20);
  });

  it.each(keys)('line $index: a misspelt $key is found', ({ index, column, key }) => {
    const wrong = `${key.slice(0, -1)}_x${key.slice(-1)}`;
    const changed = lines.with(index, lines[index]?.replace(key, wrong) ?? '');
    const { problems } = checkConf(changed.join('\n'), name);
    // Without its section a file is not one of SPIRE's at all.
    if (column === 1 && /^(server|agent)$/.test(key)) expect(problems[0]?.message).toMatch(/neither a server nor an agent/);
    else
      expect(problems).toContainEqual(
        expect.objectContaining({
          line: index + 1,
          column,
          key: expect.stringContaining(wrong),
          message: expect.stringMatching(/^SPIRE 1\.15\.2 /),
        }),
      );
  });
});
