import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { listSettings } from '../../src/config/settings.ts';
import { configFile, minimal, refusalOf } from './files.ts';

const identity = { EPHEMOS_SERVICE_NAME: 'web', EPHEMOS_TRUST_DOMAIN: 'acme.com' };

function firstLine(env: Readonly<Record<string, string>>): string {
  return refusalOf({ path: false, env: { ...identity, ...env } }).problems.map(formatProblem)[0] ?? '';
}

describe('a variable', () => {
  test('makes a configuration without any file', () => {
    const config = loadConfig({ path: false, env: { ...identity, EPHEMOS_CONFIG_PATH: '/no/such/file' } });
    expect(config.service.spiffeId.toString()).toBe('spiffe://acme.com/web');
    expect(config.files).toEqual([]);
  });

  test('that is missing is named when there is no file', () => {
    const lines = refusalOf({ path: false, env: {} }).problems.map(formatProblem);
    expect(lines).toEqual([
      'EPHEMOS_SERVICE_NAME: this variable is not set; set it, or write a file',
      'EPHEMOS_TRUST_DOMAIN: this variable is not set; set it, or write a file',
    ]);
  });

  test('goes over the file, of whatever type its key is', () => {
    const path = configFile(`${minimal}limits:\nlogs:\n  level: error\n`);
    const config = loadConfig({
      path,
      env: {
        EPHEMOS_SERVICE_NAME: 'orders',
        EPHEMOS_TRUST_DOMAIN: 'other.com',
        EPHEMOS_SERVICE_SPIFFE_ID: 'spiffe://other.com/a/b',
        EPHEMOS_AUTHORIZED_CLIENTS: 'spiffe://other.com/a, spiffe://other.com/b',
        EPHEMOS_TRUSTED_SERVERS: 'spiffe://other.com/c',
        EPHEMOS_AGENT_SOCKET: '/run/a.sock',
        EPHEMOS_BIND_ADDRESS: '127.0.0.1:1',
        EPHEMOS_LOG_LEVEL: 'fatal',
        EPHEMOS_TLS_MIN_VERSION: '1.2',
        EPHEMOS_LIMITS_MAX_CONNECTIONS: '7',
        EPHEMOS_LOGS_AUDIT_SAMPLE: '0.5',
        EPHEMOS_METRICS_ENABLED: 'false',
        EPHEMOS_SHUTDOWN_DRAIN_DELAY: '1s',
        GRPC_KEEPALIVE_TIME: '30s',
        GRPC_KEEPALIVE_TIMEOUT: '5s',
        GRPC_MAX_CONNECTION_IDLE: '60s',
      },
    });
    expect(config.service.spiffeId.toString()).toBe('spiffe://other.com/a/b');
    expect(config.service.authorizedClients?.map(String)).toEqual(['spiffe://other.com/a', 'spiffe://other.com/b']);
    expect(config.listen).toMatchObject({ address: { host: '127.0.0.1', port: 1 }, minTlsVersion: 'TLSv1.2' });
    expect(config.limits.maxConnections).toBe(7);
    expect(config.logs).toEqual({ level: 'fatal', auditSample: 0.5 });
    expect(config.metrics.enabled).toBe(false);
    expect(config.shutdown.drainDelay).toBe(1_000);
    expect(config.keepalive).toEqual({ time: 30_000, timeout: 5_000, maxConnectionIdle: 60_000 });
  });

  test('mends what is wrong in the file at its key', () => {
    const path = configFile(`service:\n  name: "$${'{NAME}'}"\n  domain: 5\n`);
    expect(loadConfig({ path, env: identity }).service.name).toBe('web');
  });

  test('does not hide that a section of the file is no mapping', () => {
    const path = configFile(`${minimal}logs: [a]\n`);
    expect(refusalOf({ path, env: { EPHEMOS_LOG_LEVEL: 'info' } }).message).toBe(
      `${path}:4:7: logs: expected a mapping with level, audit_sample, and found a list`,
    );
  });

  test('exists for every key but the list of rules, under one name', () => {
    const settings = listSettings();
    expect(settings.filter((each) => each.variable === undefined).map((each) => each.path.join('.'))).toEqual(['policy.rules']);
    expect(new Set(settings.map((each) => each.variable)).size).toBe(settings.length);
    for (const { variable = 'EPHEMOS_', description } of settings) {
      expect(variable).toMatch(/^(EPHEMOS|GRPC)_[A-Z_]*$/);
      expect(description).toMatch(/\.$/);
    }
  });

  test.each([
    [{ EPHEMOS_LOGLEVEL: 'info' }, 'EPHEMOS_LOGLEVEL: there is no such variable; did you mean EPHEMOS_LOG_LEVEL?'],
    [{ EPHEMOS_SERVICE_DOMAIN: 'x' }, 'EPHEMOS_SERVICE_DOMAIN: there is no such variable; did you mean EPHEMOS_TRUST_DOMAIN?'],
    [{ EPHEMOS_LISTEN_ADDRESS: ':1' }, 'EPHEMOS_LISTEN_ADDRESS: there is no such variable; did you mean EPHEMOS_BIND_ADDRESS?'],
    [{ EPHEMOS_CONFIG: '/x' }, 'EPHEMOS_CONFIG: there is no such variable; did you mean EPHEMOS_CONFIG_PATH?'],
    [{ EPHEMOS_COLOUR: 'x' }, 'EPHEMOS_COLOUR: there is no such variable; a name is EPHEMOS_<SECTION>_<KEY>'],
    [
      { EPHEMOS_INSECURE_SKIP_VERIFY: 'true' },
      'EPHEMOS_INSECURE_SKIP_VERIFY: peers are always verified, and nothing turns that off; remove this variable',
    ],
    [
      { EPHEMOS_INSECURE_SKIP_VERIFY: 'false' },
      'EPHEMOS_INSECURE_SKIP_VERIFY: peers are always verified, and nothing turns that off; remove this variable',
    ],
    [{ EPHEMOS_DEBUG_ENABLED: 'true' }, 'EPHEMOS_DEBUG_ENABLED: there is no such variable; did you mean EPHEMOS_LOG_LEVEL=debug?'],
    [{ EPHEMOS_LOG_LEVEL: '' }, 'EPHEMOS_LOG_LEVEL: this variable is empty; unset it, or give it a value'],
    [{ EPHEMOS_AUTHORIZED_CLIENTS: '' }, 'EPHEMOS_AUTHORIZED_CLIENTS: this variable is empty; unset it, or give it a value'],
    [
      { EPHEMOS_AUTHORIZED_CLIENTS: 'spiffe://acme.com/a,' },
      'EPHEMOS_AUTHORIZED_CLIENTS: entry 2: a SPIFFE ID starts with "spiffe://"; write it as "spiffe://<trust domain>/<path>"',
    ],
    [
      { EPHEMOS_AUTHORIZED_CLIENTS: '*' },
      'EPHEMOS_AUTHORIZED_CLIENTS: entry 1: a SPIFFE ID has no wild cards; write a rule with id_prefix or trust_domain below policy.rules',
    ],
    [{ EPHEMOS_METRICS_ENABLED: '1' }, 'EPHEMOS_METRICS_ENABLED: expected true or false, and found "1"'],
    [{ EPHEMOS_LIMITS_MAX_HANDSHAKES: '-1' }, 'EPHEMOS_LIMITS_MAX_HANDSHAKES: expected a whole number from 1 to 100000, and found "-1"'],
    [{ GRPC_KEEPALIVE_TIME: '30' }, 'GRPC_KEEPALIVE_TIME: "30" is not a duration; write "30s"'],
    [
      { EPHEMOS_SERVICE_NAME: '$(POD_NAME)' },
      'EPHEMOS_SERVICE_NAME: the placeholder "$(POD_NAME)" was not filled in; nothing is expanded here: write the value, or set the variable of this key',
    ],
  ])('is refused: %j', (env, line) => {
    expect(firstLine(env)).toBe(line);
  });

  test('of another program or of the command is let be', () => {
    const env = { ...identity, GRPC_VERBOSITY: 'debug', EPHEMOS_DEBUG: '1', SPIFFE_NO_SUCH: '1', ephemos_x: '1', EPHEMOS_UNSET: undefined };
    expect(loadConfig({ path: false, env }).service.name).toBe('web');
  });

  // The names are those of the documentation of Kubernetes, "Accessing the Service".
  test('that Kubernetes sets for a Service named ephemos-web is let be', () => {
    const link = {
      EPHEMOS_WEB_SERVICE_HOST: '10.0.0.11',
      EPHEMOS_WEB_SERVICE_PORT: '8443',
      EPHEMOS_WEB_SERVICE_PORT_GRPC: '8443',
      EPHEMOS_WEB_PORT: 'tcp://10.0.0.11:8443',
      EPHEMOS_WEB_PORT_8443_TCP: 'tcp://10.0.0.11:8443',
      EPHEMOS_WEB_PORT_8443_TCP_PROTO: 'tcp',
      EPHEMOS_WEB_PORT_8443_TCP_PORT: '8443',
      EPHEMOS_WEB_PORT_8443_TCP_ADDR: '10.0.0.11',
    };
    const plain = Object.fromEntries(Object.entries(link).map(([name, value]) => [name.replace('EPHEMOS_WEB', 'EPHEMOS'), value]));
    expect(loadConfig({ path: false, env: { ...identity, ...link, ...plain } }).service.name).toBe('web');
    expect(firstLine({ EPHEMOS_WEB_PORT: 'tcp://10.0.0.11:8443' })).toMatch(/^EPHEMOS_WEB_PORT: there is no such variable/);
    expect(firstLine({ ...link, EPHEMOS_WEB_LOG: 'x' })).toMatch(/^EPHEMOS_WEB_LOG: there is no such variable/);
  });
});
