import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseTarget, SpiffeId } from 'ephemos';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { checkRules, readPolicy } from '../../src/policy/read-policy.ts';
import { configFile, minimal, refusalOf } from '../config/files.ts';

const web = { id: SpiffeId.parse('spiffe://acme.com/web') };
const ops = { id: SpiffeId.parse('spiffe://acme.com/ops') };

function policyOf(text: string, policy?: string) {
  const path = configFile(`${minimal}${text}`);
  if (policy !== undefined) writeFileSync(join(dirname(path), 'policy.yaml'), policy);
  return readPolicy(loadConfig({ path, env: {}, checkPolicy: checkRules }));
}

describe('readPolicy', () => {
  test('allows authorized clients every target, by a rule with the name of the key', () => {
    const policy = policyOf('  authorized_clients: [spiffe://acme.com/web]\n');
    const allowed = { allowed: true, rule: 'service.authorized_clients', reason: 'allowed' };
    expect(policy.decide(web, parseTarget('DELETE /orders/7'))).toEqual(allowed);
    expect(policy.decide(web, parseTarget('/orders.v1.Orders/Get'))).toEqual(allowed);
    expect(policy.admits(ops)).toBe(false);
  });

  test('admits nobody when nothing says who may connect', () => {
    expect(policyOf('').rules).toEqual([]);
    expect(policyOf('').admits(web)).toBe(false);
  });

  test('admits nobody by an empty list of rules', () => {
    expect(policyOf('policy:\n  rules: []\n').admits(web)).toBe(false);
  });

  test.each([
    ['of the configuration', 'policy:\n  rules:\n    - { name: read, id: spiffe://acme.com/web, http: { method: GET } }\n', undefined],
    ['of a file', 'policy:\n  file: policy.yaml\n', 'rules:\n  - { name: read, id: spiffe://acme.com/web, http: { method: GET } }\n'],
  ])('takes the rules %s', (_, text, file) => {
    const policy = policyOf(text, file);
    expect(policy.decide(web, parseTarget('GET /orders'))).toMatchObject({ allowed: true, rule: 'read' });
    expect(policy.decide(web, parseTarget('DELETE /orders'))).toMatchObject({ allowed: false, reason: 'no_rule_for_target' });
    expect(policy.admits(ops)).toBe(false);
  });

  test('takes as many authorized clients as the configuration does', () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `    - spiffe://acme.com/client-${index}\n`).join('');
    const policy = policyOf(`  authorized_clients:\n${ids}`);
    expect(policy.admits({ id: SpiffeId.parse('spiffe://acme.com/client-999') })).toBe(true);
  });
});

describe('checkRules makes what is wrong with a rule a problem of the configuration', () => {
  function problemsOf(text: string, policy?: string): readonly string[] {
    const path = configFile(`${minimal}${text}`);
    if (policy !== undefined) writeFileSync(join(dirname(path), 'policy.yaml'), policy);
    return refusalOf({ path, checkPolicy: checkRules }).problems.map((each) => formatProblem(each).replaceAll(`${dirname(path)}/`, ''));
  }

  test('at its place among the others', () => {
    const rules = 'policy:\n  rules:\n    - name: read\n      id: spiffe://acme.com/*\n      htpp: {}\nlogs:\n  levl: info\n';
    expect(problemsOf(`  spiffe_id: web\n${rules}`)).toEqual([
      expect.stringMatching(/^config\.yaml:4:14: service\.spiffe_id: /),
      'config.yaml:8:7: policy.rules[0].id: an id is one whole SPIFFE ID; write id_prefix for all IDs below a path that ends in "/"',
      'config.yaml:9:7: policy.rules[0].htpp: unknown key "htpp"; did you mean "http"?',
      'config.yaml:11:3: logs.levl: there is no such key; did you mean level?',
    ]);
  });

  test('at its place in a file of rules', () => {
    const rules = 'rules:\n  - name: read\n    id: spiffe://acme.com/web\n    http:\n      method: get\n      route: orders\n';
    expect(problemsOf('policy:\n  file: policy.yaml\n', rules)).toEqual([
      'policy.yaml:5:7: rules[0].http.method: a method is in capitals; write "GET"',
      'policy.yaml:6:7: rules[0].http.route: a route starts with "/"; write "/orders"',
    ]);
  });
});
