import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SpiffeId } from 'ephemos/spiffe';
import { describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import type { PolicyCheck } from '../../src/config/policy-rules.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { configFile, minimal, refusalOf, temporaryDirectory } from './files.ts';

describe('loadConfig', () => {
  test('fills in every default', () => {
    const { service, files, ...config } = loadConfig({ path: configFile(minimal), env: {} });
    expect(service).toMatchObject({ name: 'web', authorizedClients: undefined, trustedServers: undefined });
    expect(service.domain.name).toBe('acme.com');
    expect(service.spiffeId.toString()).toBe('spiffe://acme.com/web');
    expect(files).toHaveLength(1);
    expect(config).toEqual({
      socket: undefined,
      listen: { address: { host: undefined, port: 8443 }, minTlsVersion: 'TLSv1.3', handshakeTimeout: 10_000 },
      health: { address: { host: undefined, port: 9080 }, timeout: 2_000, interval: 10_000 },
      metrics: { enabled: true, address: { host: undefined, port: 9090 }, path: '/metrics' },
      limits: {
        maxConnections: 10_000,
        maxConnectionsPerAddress: 2_000,
        maxHandshakes: 200,
        maxHeaderBytes: 16_384,
        maxBodyBytes: 4_194_304,
        maxRequestsPerConnection: 10_000,
        stallTimeout: 30_000,
      },
      shutdown: { drainDelay: 5_000, deadline: 20_000, gracePeriod: 30_000 },
      logs: { level: 'info', auditSample: 0.01 },
      keepalive: { time: 300_000, timeout: 20_000, maxConnectionIdle: 300_000 },
      policy: undefined,
    });
  });

  test('reads every key', () => {
    const path = configFile(`
service:
  name: orders
  domain: prod.acme.com
  spiffe_id: spiffe://prod.acme.com/ns/shop/sa/orders
  authorized_clients:
    - spiffe://prod.acme.com/web
    - spiffe://partner.com/billing
  trusted_servers: [spiffe://prod.acme.com/db]
agent: { socketPath: /run/spire/sockets/agent.sock }
listen: { address: "[::1]:8444", min_tls_version: 1.2, handshake_timeout: 2.5s }
health: { address: "127.0.0.1:1", timeout: 1s, interval: 1m30s }
metrics: { enabled: false, address: ":8444", path: /m }
limits:
  max_connections: 1
  max_connections_per_address: 2
  max_handshakes: 3
  max_header_bytes: 4096
  max_body_bytes: 0
  max_requests_per_connection: 6
  stall_timeout: 7s
shutdown: { drain_delay: 0s, deadline: 9s, grace_period: 10s }
logs: { level: warn, audit_sample: 1 }
keepalive: { time: 0s, timeout: 5s, max_connection_idle: 60s }
`);
    const config = loadConfig({ path, env: {} });
    expect(config.service.spiffeId.equals(SpiffeId.parse('spiffe://prod.acme.com/ns/shop/sa/orders'))).toBe(true);
    expect(config.service.authorizedClients?.map(String)).toEqual(['spiffe://prod.acme.com/web', 'spiffe://partner.com/billing']);
    expect(config.service.trustedServers?.map(String)).toEqual(['spiffe://prod.acme.com/db']);
    expect(config.socket).toEqual({ endpoint: 'unix:///run/spire/sockets/agent.sock', origin: 'agent.socketPath' });
    expect(config.listen).toEqual({ address: { host: '::1', port: 8444 }, minTlsVersion: 'TLSv1.2', handshakeTimeout: 2_500 });
    expect(config.health).toEqual({ address: { host: '127.0.0.1', port: 1 }, timeout: 1_000, interval: 90_000 });
    expect(config.metrics).toEqual({ enabled: false, address: { host: undefined, port: 8444 }, path: '/m' });
    expect(Object.values(config.limits)).toEqual([1, 2, 3, 4_096, 0, 6, 7_000]);
    expect(config.shutdown).toEqual({ drainDelay: 0, deadline: 9_000, gracePeriod: 10_000 });
    expect(config.logs).toEqual({ level: 'warn', auditSample: 1 });
    expect(config.keepalive).toEqual({ time: 0, timeout: 5_000, maxConnectionIdle: 60_000 });
  });

  test('freezes what it returns', () => {
    const config = loadConfig({ path: configFile(`${minimal}policy:\n  rules: [{ name: a }]\n`), env: {} });
    for (const each of [
      config,
      config.service,
      config.listen.address,
      config.policy,
      config.policy?.rules,
      config.policy?.rules[0],
      config.files,
    ]) {
      expect(Object.isFrozen(each)).toBe(true);
    }
  });

  test('takes the file of EPHEMOS_CONFIG_PATH, and the argument before it', () => {
    const path = configFile(minimal.replace('web', 'other'));
    expect(loadConfig({ env: { EPHEMOS_CONFIG_PATH: path } }).service.name).toBe('other');
    expect(loadConfig({ path: configFile(minimal), env: { EPHEMOS_CONFIG_PATH: path } }).service.name).toBe('web');
    expect(refusalOf({ env: { EPHEMOS_CONFIG_PATH: '' } }).message).toBe(
      'EPHEMOS_CONFIG_PATH: this variable is empty; unset it, or give it the path of a file',
    );
  });

  test('takes the environment of the process by default', () => {
    vi.stubEnv('EPHEMOS_CONFIG_PATH', configFile(minimal));
    vi.stubEnv('EPHEMOS_LOG_LEVEL', 'warn');
    expect(loadConfig().logs.level).toBe('warn');
  });

  test('names the default path when it is not there', () => {
    const { message } = refusalOf({ env: {} });
    expect(message).toBe('/etc/ephemos/config.yaml: there is no such file; name another file with EPHEMOS_CONFIG_PATH');
  });

  test('says both that the file is missing and that a variable is wrong', () => {
    const path = join(temporaryDirectory(), 'none.yaml');
    const lines = refusalOf({ path, env: { EPHEMOS_LOGLEVEL: 'info' } }).problems.map(formatProblem);
    expect(lines).toEqual([
      `${path}: there is no such file; name another file with EPHEMOS_CONFIG_PATH`,
      'EPHEMOS_LOGLEVEL: there is no such variable; did you mean EPHEMOS_LOG_LEVEL?',
    ]);
  });

  test('lets aliases stand for what they name, and finds problems in there', () => {
    const text = 'service: &me\n  name: web\n  domain: &d acme.com\nhealth:\n  timeout: &t 3s\nkeepalive:\n  timeout: *t\n  time: *d\n';
    expect(refusalOf({ path: configFile(text) }).problems).toMatchObject([{ line: 8, column: 9, key: 'keepalive.time' }]);
    expect(loadConfig({ path: configFile(text.replace('*d', '*t')), env: {} }).keepalive).toMatchObject({ time: 3_000, timeout: 3_000 });
  });

  test('reads a file that starts with a byte order mark and ends its lines with CR LF', () => {
    const path = configFile(`\ufeff${minimal.replaceAll('\n', '\r\n')}`);
    expect(loadConfig({ path, env: {} }).service.name).toBe('web');
    expect(refusalOf({ path: configFile('\ufeffservice:\r\n  name: 1\r\n  domain: acme.com\r\n') }).problems).toMatchObject([
      { line: 2, column: 9 },
    ]);
  });
});

describe('the socket', () => {
  const inFile = configFileWithSocket('/file.sock');

  function configFileWithSocket(socketPath: string): string {
    return `${minimal}agent:\n  socketPath: ${socketPath}\n`;
  }

  test('is the argument, then SPIFFE_ENDPOINT_SOCKET, then EPHEMOS_AGENT_SOCKET, then the file', () => {
    const path = configFile(inFile);
    const env = { SPIFFE_ENDPOINT_SOCKET: 'unix:///spiffe.sock', EPHEMOS_AGENT_SOCKET: '/variable.sock' };
    expect(loadConfig({ path, env, socket: 'tcp://127.0.0.1:1' }).socket).toEqual({ endpoint: 'tcp://127.0.0.1:1', origin: 'argument' });
    expect(loadConfig({ path, env }).socket).toEqual({ endpoint: 'unix:///spiffe.sock', origin: 'SPIFFE_ENDPOINT_SOCKET' });
    const { EPHEMOS_AGENT_SOCKET } = env;
    expect(loadConfig({ path, env: { EPHEMOS_AGENT_SOCKET } }).socket).toEqual({
      endpoint: 'unix:///variable.sock',
      origin: 'EPHEMOS_AGENT_SOCKET',
    });
    expect(loadConfig({ path, env: {} }).socket).toEqual({ endpoint: 'unix:///file.sock', origin: 'agent.socketPath' });
  });

  test('of an empty SPIFFE_ENDPOINT_SOCKET is the one of the file', () => {
    expect(loadConfig({ path: configFile(inFile), env: { SPIFFE_ENDPOINT_SOCKET: '' } }).socket?.origin).toBe('agent.socketPath');
  });

  test('may hold characters that an endpoint encodes', () => {
    const path = configFile(`${minimal}agent:\n  socketPath: "/run/my agent?.sock"\n`);
    expect(loadConfig({ path, env: {} }).socket?.endpoint).toBe('unix:///run/my%20agent%3F.sock');
  });

  test('is checked where it was given, even when the file has a good one', () => {
    const path = configFile(inFile);
    expect(refusalOf({ path, env: { SPIFFE_ENDPOINT_SOCKET: 'unix://x' } }).message).toMatch(/^SPIFFE_ENDPOINT_SOCKET: .*has an authority/);
    expect(refusalOf({ path, socket: '' }).message).toMatch(/^socket: expected an absolute path or an endpoint/);
  });

  test('is checked in the file, even when another one is used', () => {
    const path = configFile(configFileWithSocket('x'));
    expect(refusalOf({ path, env: { SPIFFE_ENDPOINT_SOCKET: 'unix:///x' } }).message).toMatch(/:5:15: agent.socketPath: /);
  });
});

describe('the policy', () => {
  // Stands for the check of the library: a rule has a name.
  const checkPolicy: PolicyCheck = (value) => {
    const rules: unknown = typeof value === 'object' && value !== null && 'rules' in value ? value.rules : undefined;
    if (!Array.isArray(rules)) return [{ path: ['rules'], message: 'no rules' }];
    return rules.flatMap((rule: unknown, index) =>
      typeof rule === 'object' && rule !== null && 'name' in rule
        ? []
        : [{ path: ['rules', index, 'name'], message: 'no name', hint: 'give it one' }],
    );
  };

  test('of the file itself is judged by the check, each problem at its place', () => {
    const path = configFile(`${minimal}policy:\n  rules:\n    - name: a\n    - nom: b\n`);
    expect(refusalOf({ path, checkPolicy }).message).toBe(`${path}:7:7: policy.rules[1].name: no name; give it one`);
    expect(loadConfig({ path, env: {} }).policy).toEqual({ rules: [{ name: 'a' }, { nom: 'b' }], file: undefined });
  });

  test('of a file of its own is read from beside the configuration', () => {
    const path = configFile(`${minimal}policy:\n  file: policy.yaml\n`);
    const policy = join(dirname(path), 'policy.yaml');
    writeFileSync(policy, 'rules:\n  - name: a\n');
    const config = loadConfig({ path, env: {}, checkPolicy });
    expect(config.policy).toEqual({ rules: [{ name: 'a' }], file: policy });
    expect(config.files.map((file) => file.path)).toEqual([path, policy]);
    writeFileSync(policy, 'rules:\n  - name: a\n  - b: 1\n');
    expect(refusalOf({ path, checkPolicy }).message).toBe(`${policy}:3:5: rules[1].name: no name; give it one`);
  });

  const namedBy = 'policy.file names it; a relative path starts at the directory of the configuration';

  test.each([
    ['is missing', undefined, `: there is no such file; ${namedBy}`],
    ['is empty', '', `: the file is empty; ${namedBy}`],
    ['has no rules', 'rule: []\n', ':1:1: rules: expected a list of rules; write "rules: []" to admit nobody'],
    ['is not YAML', 'rules:\n\t- a\n', ':2:1: a tab is not allowed as indentation; indent with spaces'],
  ])('whose file %s refuses the configuration', (_, text, line) => {
    const path = configFile(`${minimal}policy:\n  file: ./policy.yaml\n`);
    const policy = join(dirname(path), 'policy.yaml');
    if (text !== undefined) writeFileSync(policy, text);
    expect(refusalOf({ path }).message).toBe(policy + line);
  });

  test('is judged together with everything else', () => {
    const path = configFile(`${minimal}policy:\n  rules:\n    - {}\nlogs:\n  level: x\n`);
    expect(refusalOf({ path, checkPolicy }).problems.map((each) => each.key)).toEqual(['policy.rules[0].name', 'logs.level']);
  });

  test('of no rules admits nobody and is allowed', () => {
    expect(loadConfig({ path: configFile(`${minimal}policy:\n  rules: []\n`), env: {}, checkPolicy }).policy?.rules).toEqual([]);
  });
});
