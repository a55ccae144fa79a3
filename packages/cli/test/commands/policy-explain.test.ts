import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ephemos, type Finished } from '../support/ephemos.ts';

const web = 'spiffe://acme.com/web';
const nobody = 'spiffe://acme.com/nobody';
const service = 'service:\n  name: orders\n  domain: acme.com\n';
const rules = [
  'rules:',
  '  - name: web reads orders',
  '    id: spiffe://acme.com/web',
  '    http: { method: GET, route: "/orders/:id" }',
  '  # The billing jobs.',
  '  - name: billing calls orders',
  '    id_prefix: spiffe://acme.com/ns/billing/',
  '    grpc: { service: orders.v1.Orders, method: [Get, List] }',
  '',
].join('\n');
let cwd: string;

beforeAll(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  const files = {
    'inline.yaml': `${service}policy:\n${rules.replace(/^(?=.)/gm, '  ')}`,
    'config.yaml': `${service}policy:\n  file: policy.yaml\n`,
    'policy.yaml': rules,
    'clients.yaml': `${service}  authorized_clients:\n    - ${web}\n`,
    'closed.yaml': service,
    'wrong.yaml': 'rules:\n  - name: read\n    id: web\n    http: { route: orders }\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
});

afterAll(() => rmSync(cwd, { recursive: true, force: true }));

function explain(peer: string, to: string, ...args: readonly string[]): Promise<Finished> {
  return ephemos(['policy', 'explain', '--peer', peer, '--to', to, ...args], { cwd });
}

describe('ephemos policy explain names the rule that allows, and the line it stands at', () => {
  it.each<[where: string, args: readonly string[], place: string]>([
    ['in a configuration', ['--config', 'inline.yaml'], 'inline.yaml:6'],
    ['in the file of rules of a configuration', ['--config', 'config.yaml'], 'policy.yaml:2'],
    ['in a file of rules', ['--policy', 'policy.yaml'], 'policy.yaml:2'],
  ])('%s', async (_, args, place) => {
    expect(await explain(web, 'GET /orders/7', ...args)).toEqual({
      code: 0,
      signal: null,
      stdout: `allowed: ${web} to GET /orders/7\n  by rule "web reads orders" (${place}), the first that allows it\n`,
      stderr: '',
    });
  });

  it('of a gRPC call', async () => {
    const { code, stdout } = await explain('spiffe://acme.com/ns/billing/cron', '/orders.v1.Orders/Get', '--policy', 'policy.yaml');
    expect({ code, line: stdout.split('\n')[1] }).toEqual({
      code: 0,
      line: '  by rule "billing calls orders" (policy.yaml:6), the first that allows it',
    });
  });

  it('when it is the list of authorized clients', async () => {
    const { code, stdout } = await explain(web, 'DELETE /', '--config', 'clients.yaml');
    expect({ code, line: stdout.split('\n')[1] }).toEqual({
      code: 0,
      line: '  by rule "service.authorized_clients" (clients.yaml:4), the first that allows it',
    });
  });

  it('of the configuration that EPHEMOS_CONFIG_PATH names', async () => {
    const env = { EPHEMOS_CONFIG_PATH: join(cwd, 'config.yaml') };
    const end = await ephemos(['policy', 'explain', '--peer', web, '--to', 'GET /orders/7'], { env, cwd });
    expect(end).toMatchObject({ code: 0, stdout: expect.stringContaining('(policy.yaml:2)') });
  });
});

describe('ephemos policy explain ends with 4 and says what the nearest rules lack', () => {
  it.each<[what: string, peer: string, to: string, lines: readonly string[]]>([
    [
      'another method',
      web,
      'DELETE /orders/7',
      [
        `denied: ${web} to DELETE /orders/7`,
        '  rules are for this peer, and none of them allows this target',
        '  rule "web reads orders" (policy.yaml:2) does not allow it:',
        '    method: the rule names GET, not DELETE',
      ],
    ],
    [
      'another peer',
      nobody,
      'GET /orders/7',
      [
        `denied: ${nobody} to GET /orders/7`,
        '  no rule is for this peer: it is refused at the connection',
        '  rule "web reads orders" (policy.yaml:2) does not allow it:',
        `    peer: the rule names id ${web}, not ${nobody}`,
      ],
    ],
    [
      'another spelling',
      web,
      'GET /Orders/7',
      [
        `denied: ${web} to GET /Orders/7`,
        '  the path is spelled unlike a route that a router may take it for: in case, encoding, a trailing "/" or after ";"',
        '  rule "web reads orders" (policy.yaml:2) does not allow it:',
        '    route: the rule names /orders/:id, not /Orders/7',
      ],
    ],
  ])('%s', async (_, peer, to, lines) => {
    expect(await explain(peer, to, '--policy', 'policy.yaml')).toMatchObject({ code: 4, stdout: `${lines.join('\n')}\n`, stderr: '' });
  });

  it('when there is no policy, which admits nobody', async () => {
    expect(await explain(web, 'GET /', '--config', 'closed.yaml')).toMatchObject({
      code: 4,
      stdout: `denied: ${web} to GET /\n  no rule is for this peer: it is refused at the connection\n`,
    });
  });
});

describe('ephemos policy explain --format json is one document', () => {
  it('of what is allowed', async () => {
    const { code, stdout } = await explain(web, 'GET /orders/7', '--config', 'inline.yaml', '--format', 'json');
    const document: unknown = JSON.parse(stdout);
    expect({ code, document }).toEqual({
      code: 0,
      document: {
        allowed: true,
        peer: web,
        target: 'GET /orders/7',
        reason: 'allowed',
        rule: { name: 'web reads orders', index: 0, file: 'inline.yaml', line: 6, column: 7, variable: null },
        nearest: [],
      },
    });
  });

  it('of what is denied', async () => {
    const { code, stdout } = await explain(web, 'PUT /orders/7', '--policy', 'policy.yaml', '--format', 'json');
    const document: unknown = JSON.parse(stdout);
    expect({ code, document }).toMatchObject({
      code: 4,
      document: {
        allowed: false,
        reason: 'no_rule_for_target',
        rule: null,
        nearest: [
          { name: 'web reads orders', file: 'policy.yaml', line: 2, mismatches: [{ part: 'method', wanted: 'GET', given: 'PUT' }] },
        ],
      },
    });
  });
});

describe('ephemos policy explain cannot answer', () => {
  it('with rules that are wrong, and shows them all', async () => {
    const { code, stdout, stderr } = await explain(web, 'GET /', '--policy', 'wrong.yaml');
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(
      /^wrong\.yaml:3:5: rules\[0\]\.id: .*\n {2}hint: .*\nwrong\.yaml:4:13: rules\[0\]\.http\.route: .*\n {2}hint: .*\n$/,
    );
  });

  it('with a configuration that is wrong, in one document for programs', async () => {
    const { code, stderr } = await explain(web, 'GET /', '--config', 'policy.yaml', '--format', 'json');
    const document: unknown = JSON.parse(stderr);
    expect({ code, document }).toMatchObject({
      code: 3,
      document: { error: { code: 'ERR_CONFIG_INVALID' }, problems: [{ file: 'policy.yaml' }, { file: 'policy.yaml' }], exitCode: 3 },
    });
  });

  it.each<[args: readonly string[], code: number, error: string, hint: string]>([
    [['--peer', 'web', '--to', 'GET /'], 3, '--peer "web": a SPIFFE ID starts with "spiffe://"', 'write it as'],
    [['--peer', web, '--to', 'orders'], 3, '--to "orders": a target is a method and a path', 'write it as "GET /orders"'],
    [['--peer', web, '--to', 'GET /a/../b'], 3, '--to "GET /a/../b": a path has no "." or ".." segment', 'answers such a request with 400'],
    [['--peer', web], 2, "required option '--to <target>' not specified", 'see "ephemos policy explain --help"'],
    [['--peer', web, '--to', 'GET /', '--config', 'a', '--policy', 'b'], 2, "option '--policy <file>' cannot be used with", 'see "ephemos'],
  ])('to %j', async (args, code, error, hint) => {
    const end = await ephemos(['policy', 'explain', ...args], { cwd });
    const [first, second, ...rest] = end.stderr.split('\n');
    expect(first).toContain(`error: ${error}`);
    expect(second).toMatch(/^hint: /);
    expect(second).toContain(hint);
    expect(rest).toEqual(['']);
    expect(end).toMatchObject({ code, stdout: '' });
  });
});
