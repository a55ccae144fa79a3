import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { isMountedPath } from '../../src/config/mounted-path.ts';
import { type ProductionOptions, productionFindings } from '../../src/config/production.ts';
import { configFile, temporaryDirectory } from './files.ts';

interface Change {
  readonly name?: string;
  readonly domain?: string;
  readonly more?: string;
  readonly socket?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: ProductionOptions;
}

/** The findings of a fit configuration with one thing changed. */
function findings({
  name = 'orders',
  domain = 'prod.acme.com',
  more = '',
  socket = '/run/spire/sockets/agent.sock',
  env = {},
  options,
}: Change): readonly string[] {
  const path = configFile(`service:\n  name: ${name}\n  domain: ${domain}\n${more}`);
  return productionFindings(loadConfig({ path, env: {}, socket }), env, options).map(({ id, message }) => `${id}: ${message}`);
}

describe('productionFindings', () => {
  test('finds nothing in a fit configuration, and has a tip for whatever it finds', () => {
    expect(findings({})).toEqual([]);
    const path = configFile('service:\n  name: demo\n  domain: example.org\nlogs:\n  level: debug\n');
    const all = productionFindings(loadConfig({ path, env: {}, socket: '/tmp/a.sock' }), { DEBUG: '*' });
    expect(all.map((each) => each.id)).toEqual([
      'trust-domain.reserved',
      'service-name.demo',
      'socket.directory',
      'debug.enabled',
      'log-level.debug',
    ]);
    for (const each of all) expect(each.tip).not.toBe('');
  });

  test.each([
    ['example.org', 'belongs to documentation (RFC 2606)'],
    ['prod.example.com', 'belongs to documentation (RFC 2606)'],
    ['example.net', 'belongs to documentation (RFC 2606)'],
    ['acme.example', 'ends in .example, which no production name does (RFC 2606, RFC 6762)'],
    ['acme.test', 'ends in .test, which no production name does (RFC 2606, RFC 6762)'],
    ['acme.invalid', 'ends in .invalid, which no production name does (RFC 2606, RFC 6762)'],
    ['localhost', 'ends in .localhost, which no production name does (RFC 2606, RFC 6762)'],
    ['a.localhost', 'ends in .localhost, which no production name does (RFC 2606, RFC 6762)'],
    ['cluster.local', 'ends in .local, which no production name does (RFC 2606, RFC 6762)'],
    ['demo.acme.com', 'has the label demo'],
    ['test.acme.com', 'has the label test'],
    ['example.acme.com', 'has the label example'],
  ])('finds the trust domain %s', (domain, reason) => {
    expect(findings({ domain })).toEqual([`trust-domain.reserved: the trust domain ${domain} ${reason}`]);
  });

  // The Ephemos for Go looked for the words anywhere in the name.
  test.each([
    'contest.com',
    'democracy.org',
    'testing.acme.com',
    'notexample.org',
    'example.org.acme.com',
    'my-demo.acme.com',
    'localhost.acme.com',
    'local',
  ])('compares labels of a trust domain whole: %s', (domain) => {
    expect(findings({ domain })).toEqual(
      domain === 'example.org.acme.com'
        ? ['trust-domain.reserved: the trust domain example.org.acme.com has the label example']
        : domain === 'local'
          ? ['trust-domain.reserved: the trust domain local ends in .local, which no production name does (RFC 2606, RFC 6762)']
          : [],
    );
  });

  test('looks at the trust domains of clients and servers too', () => {
    const more = '  authorized_clients: [spiffe://example.org/a, spiffe://example.org/b]\n  trusted_servers: [spiffe://acme.test/c]\n';
    expect(findings({ more })).toEqual([
      'trust-domain.reserved: the trust domain example.org belongs to documentation (RFC 2606)',
      'trust-domain.reserved: the trust domain acme.test ends in .test, which no production name does (RFC 2606, RFC 6762)',
    ]);
  });

  test.each(['demo', 'example', 'orders-demo', 'Demo.orders', 'orders_example'])('finds the service name %s', (name) => {
    expect(findings({ name })).toHaveLength(1);
  });

  test.each(['demographics', 'load-test', 'democratic-examples'])('compares the words of a service name whole: %s', (name) => {
    expect(findings({ name })).toEqual([]);
  });

  test.each([
    ['/run/spire/sockets/agent.sock', true],
    ['unix:///var/run/spire/agent.sock', true],
    ['/spiffe-workload-api/spire-agent.sock', true],
    ['/tmp/spire-agent/public/api.sock', false],
    ['/var/tmp/api.sock', false],
    ['/home/me/api.sock', false],
    ['/opt/api.sock', false],
    ['/runs/api.sock', false],
    ['/run/../tmp/api.sock', false],
    ['//tmp/api.sock', false],
    ['tcp://127.0.0.1:8000', false],
  ])('judges the socket %s', (socket, fit) => {
    expect(findings({ socket })).toHaveLength(fit ? 0 : 1);
  });

  test('takes the word of whoever knows what is mounted, but not for /tmp', () => {
    const options = { isMounted: () => true };
    expect(findings({ socket: '/opt/api.sock', options })).toEqual([]);
    expect(findings({ socket: '/tmp/api.sock', options })).toHaveLength(1);
    expect(findings({ socket: '/spiffe-workload-api/x.sock', options: { isMounted: () => false } })).toHaveLength(1);
  });

  test.each([
    [{ EPHEMOS_INSECURE_SKIP_VERIFY: 'false' }, 'verification.skipped: EPHEMOS_INSECURE_SKIP_VERIFY is set'],
    [
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      'verification.skipped: NODE_TLS_REJECT_UNAUTHORIZED=0 turns verification off for every connection that is not ours',
    ],
    [{ DEBUG: '*' }, 'debug.enabled: DEBUG is set, and debugging output may hold what callers send'],
    [{ EPHEMOS_DEBUG: '1' }, 'debug.enabled: EPHEMOS_DEBUG is set, and debugging output may hold what callers send'],
    [{ EPHEMOS_DEBUG_ENABLED: 'true' }, 'debug.enabled: EPHEMOS_DEBUG_ENABLED is set, and debugging output may hold what callers send'],
    [{ NODE_DEBUG: 'tls' }, 'debug.enabled: NODE_DEBUG is set, and debugging output may hold what callers send'],
    [
      { NODE_OPTIONS: '--max-old-space-size=160 --inspect=0.0.0.0:9229' },
      'debug.enabled: NODE_OPTIONS has --inspect, which opens the memory or the connections of the process',
    ],
    [
      { NODE_OPTIONS: '--tls-keylog=/tmp/k' },
      'debug.enabled: NODE_OPTIONS has --tls-keylog, which opens the memory or the connections of the process',
    ],
  ])('finds %j', (env, finding) => {
    expect(findings({ env })).toEqual([finding]);
  });

  test('lets switches be that are off', () => {
    expect(findings({ env: { DEBUG: '', EPHEMOS_DEBUG: '0', NODE_DEBUG: '', NODE_OPTIONS: '--enable-source-maps' } })).toEqual([]);
  });

  test.each(['debug', 'trace'])('finds the log level %s', (level) => {
    expect(findings({ more: `logs: { level: ${level} }\n` })).toEqual([`log-level.debug: the log level is ${level}`]);
  });

  test('finds rules that admit a whole trust domain to everything', () => {
    const more = `policy:
  rules:
    - { name: one, id: spiffe://prod.acme.com/a }
    - { name: below, id_prefix: spiffe://prod.acme.com/ns/ }
    - { name: read, trust_domain: prod.acme.com, http: { method: GET } }
    - { name: all, trust_domain: prod.acme.com }
    - { name: all below, id_prefix: [spiffe://prod.acme.com/] }
    - { name: star, id: [spiffe://prod.acme.com/*] }
`;
    expect(findings({ more })).toEqual([
      'policy.wildcard: rule "all" admits every workload of a trust domain to everything',
      'policy.wildcard: rule "all below" admits every workload of a trust domain to everything',
      'policy.wildcard: rule "star" has a wild card',
    ]);
  });

  test('finds a file and a directory that others may write', () => {
    const path = configFile('service:\n  name: web\n  domain: acme.com\n');
    const found = (): readonly string[] => productionFindings(loadConfig({ path, env: {} }), {}).map((each) => each.id);
    expect(found()).toEqual([]);
    chmodSync(path, 0o664);
    expect(found()).toEqual(['file.writable']);
    chmodSync(dirname(path), 0o777);
    expect(found()).toEqual(['file.writable', 'file.replaceable']);
  });

  test('a directory of the root file system is not mounted, nor is what does not exist', () => {
    expect(isMountedPath('/no-such-directory/agent.sock')).toBe(false);
    expect(isMountedPath('/')).toBe(false);
    if (process.platform === 'linux') expect(isMountedPath('/proc/self')).toBe(true);
    expect(typeof isMountedPath(temporaryDirectory())).toBe('boolean');
  });
});
