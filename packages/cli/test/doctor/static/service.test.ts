// The rules over service configurations and over secrets: what passes, and what is found where.
import { describe, expect, it } from 'vitest';
import { type Texts, verdictOn } from '../../support/documents.ts';

const good = `service:
  name: orders
  domain: prod.acme.com
  authorized_clients:
    - spiffe://prod.acme.com/web
listen:
  address: 0.0.0.0:8443
logs:
  level: info
`;
const changed = (from: string, to: string): Texts => {
  if (!good.includes(from)) throw new Error(`there is no ${from}`);
  return { 'config.yaml': good.replace(from, to) };
};
const configMap = (text: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: orders\ndata:\n  config.yaml: |\n${text.replace(/^(?=.)/gm, '    ')}`;
// As a shell and SPIRE write it.
const variable = (name: string): string => `\${${name}}`;
const pem = (label: string): string => `-----BEGIN ${label}-----\nMIIB\n-----END ${label}-----\n`;
const jwt = ['eyJhbGciOiJFUzI1NiJ9', 'eyJzdWIiOiJhIn0', 'c2lnbmF0dXJl'].join('.');

describe('the rules over service configurations', () => {
  it.each<[what: string, rule: string, texts: Texts, result: string, found: readonly string[]]>([
    ['a valid one', 'config.production.service-config', { 'config.yaml': good }, 'pass', []],
    ['an unknown key', 'config.production.service-config', changed('logs:', 'log:'), 'fail', ['invalid config.yaml:8']],
    [
      'a placeholder',
      'config.production.service-config',
      changed('name: orders', `name: ${variable('NAME')}`),
      'fail',
      ['invalid config.yaml:2'],
    ],
    [
      'a policy whose path is one of the container',
      'config.production.service-config',
      changed('  authorized_clients:\n    - spiffe://prod.acme.com/web\n', 'policy:\n  file: /etc/ephemos/policy.yaml\n'),
      'pass',
      [],
    ],
    ['one in a ConfigMap', 'config.production.service-config', { 'a.yaml': configMap(good) }, 'pass', []],
    [
      'an unknown key in a ConfigMap, at the line of the manifest',
      'config.production.service-config',
      { 'a.yaml': configMap(good.replace('logs:', 'log:')) },
      'fail',
      ['invalid a.yaml:14'],
    ],
    ['production settings', 'config.production.service-settings', { 'config.yaml': good }, 'pass', []],
    ['debug logs', 'config.production.service-settings', changed('level: info', 'level: debug'), 'warn', ['not-production config.yaml:9']],
    [
      'a demo',
      'config.production.service-settings',
      changed('name: orders', 'name: orders-demo'),
      'warn',
      ['not-production config.yaml:2'],
    ],
    [
      'a socket in /tmp',
      'config.production.service-settings',
      changed('logs:', 'agent:\n  socketPath: /tmp/agent.sock\nlogs:'),
      'warn',
      ['not-production config.yaml:9'],
    ],
    ['callers', 'authz.default-deny.callers', { 'config.yaml': good }, 'pass', []],
    [
      'nobody',
      'authz.default-deny.callers',
      changed('  authorized_clients:\n    - spiffe://prod.acme.com/web\n', ''),
      'warn',
      ['nobody config.yaml:4'],
    ],
    [
      'no rule at all',
      'authz.default-deny.callers',
      changed('  authorized_clients:\n    - spiffe://prod.acme.com/web\n', 'policy:\n  rules: []\n'),
      'warn',
      ['nobody config.yaml:4'],
    ],
    [
      'an empty list',
      'config.production.service-config',
      changed(':\n    - spiffe://prod.acme.com/web', ': []'),
      'fail',
      ['invalid config.yaml:4'],
    ],
    [
      'everybody',
      'authz.default-deny.callers',
      changed(
        '  authorized_clients:\n    - spiffe://prod.acme.com/web\n',
        'policy:\n  rules:\n    - name: all\n      trust_domain: prod.acme.com\n',
      ),
      'fail',
      ['everybody config.yaml:5'],
    ],
    ['a foreign caller', 'authz.default-deny.callers', changed('.com/web', '.net/web'), 'warn', ['foreign config.yaml:5']],
    [
      'a foreign caller of a domain that is federated with',
      'authz.default-deny.callers',
      {
        ...changed('.com/web', '.net/web'),
        'a.yaml':
          'apiVersion: spire.spiffe.io/v1alpha1\nkind: ClusterFederatedTrustDomain\nmetadata: { name: a }\nspec: { trustDomain: prod.acme.net }\n',
      },
      'pass',
      [],
    ],
    [
      'a client, which nobody calls',
      'authz.default-deny.callers',
      { 'config.yaml': 'service:\n  name: a\n  domain: acme.com\n' },
      'pass',
      [],
    ],
    [
      'example.org',
      'trust-domain.production.name',
      changed('domain: prod.acme.com', 'domain: example.org'),
      'fail',
      ['reserved config.yaml:3'],
    ],
    [
      'a caller of example.org',
      'trust-domain.production.name',
      changed('prod.acme.com/web', 'example.org/web'),
      'fail',
      ['reserved config.yaml:5'],
    ],
  ])('%s (%s)', async (_, rule, texts, result, found) => {
    expect(await verdictOn(texts, rule)).toEqual({ result, found });
  });
});

describe('the rule over secrets in texts', () => {
  it.each<[what: string, text: string, found: readonly string[]]>([
    ['a certificate', pem('CERTIFICATE'), []],
    ['a private key', `a: |\n  ${pem('PRIVATE KEY')}`, ['private-key a.yaml:2']],
    ['an EC key', `a: |\n  ${pem('EC PRIVATE KEY')}`, ['private-key a.yaml:2']],
    ['a token', `a: ${jwt}`, ['token a.yaml:1']],
    ['a key of a cloud', `a: AKIA${'ABCD'.repeat(4)}`, ['access-key a.yaml:1']],
    ['a password', 'a: postgres://spire:hunter2@db:5432/x', ['password a.yaml:1']],
    ['a variable for a password', `a: postgres://spire:${variable('PASSWORD')}@db:5432/x`, []],
    ['an example in a comment', '# a: postgres://spire:password@db:5432/x\na: 1', []],
    ['a user without a password', 'a: ssh://git@host/x', []],
    ['a host with a port', 'a: https://host:8443/a@b', []],
  ])('%s', async (_, text, found) => {
    expect(await verdictOn({ 'a.yaml': text }, 'secrets.none.texts')).toEqual({ result: found.length === 0 ? 'pass' : 'fail', found });
  });
});
