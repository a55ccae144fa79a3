import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/problem.ts';
import { locatePolicy, locatePolicyFile } from '../../src/policy/locate-policy.ts';
import { configFile, minimal, temporaryDirectory } from '../config/files.ts';

const rules = (indent: string) =>
  [
    `${indent}rules:`,
    `${indent}  - { name: first, id: spiffe://acme.com/web }`,
    `${indent}  # about the second`,
    `${indent}  - name: second`,
    `${indent}    trust_domain: acme.com`,
    '',
  ].join('\n');

describe('a located policy knows where each rule stands', () => {
  test('in the configuration', () => {
    const path = configFile(`${minimal}policy:\n${rules('  ')}`);
    const { policy, placeOf } = locatePolicy({ path, env: {} });
    expect(policy.rules.map(({ name }) => name)).toEqual(['first', 'second']);
    expect(placeOf(0)).toEqual({ file: path, line: 6, column: 7, variable: undefined });
    expect(placeOf(1)).toEqual({ file: path, line: 8, column: 7, variable: undefined });
  });

  test('in the file of rules that the configuration names', () => {
    const path = configFile(`${minimal}policy:\n  file: policy.yaml\n`);
    const file = join(dirname(path), 'policy.yaml');
    writeFileSync(file, rules(''));
    expect(locatePolicy({ path, env: {} }).placeOf(1)).toEqual({ file, line: 4, column: 5, variable: undefined });
  });

  test('in a file of rules alone', () => {
    const file = configFile(rules(''));
    const { policy, placeOf } = locatePolicyFile(file);
    expect(policy.rules).toHaveLength(2);
    expect(placeOf(0)).toEqual({ file, line: 2, column: 5, variable: undefined });
  });

  test('as the key of the authorized clients', () => {
    const path = configFile(`${minimal}  authorized_clients:\n    - spiffe://acme.com/web\n`);
    expect(locatePolicy({ path, env: {} }).placeOf(0)).toEqual({ file: path, line: 4, column: 3, variable: undefined });
  });

  test('as the variable of the authorized clients', () => {
    const env = { EPHEMOS_AUTHORIZED_CLIENTS: 'spiffe://acme.com/web' };
    const { placeOf } = locatePolicy({ path: configFile(minimal), env });
    expect(placeOf(0)).toEqual({ file: undefined, line: undefined, column: undefined, variable: 'EPHEMOS_AUTHORIZED_CLIENTS' });
  });
});

describe('a file of rules that cannot be used is refused with all of its problems', () => {
  function refusal(path: string): ConfigError {
    try {
      locatePolicyFile(path);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
    throw new Error('the policy was taken');
  }

  test('of its form and of its rules', () => {
    const file = configFile('rules:\n  - name: a\n    name: b\n    id: web\n');
    expect(refusal(file).problems.map(({ line, column, key }) => `${line}:${column} ${key}`)).toEqual([
      '3:5 rules[0].name',
      '4:5 rules[0].id',
    ]);
  });

  test('when it is not there', () => {
    const file = join(temporaryDirectory(), 'policy.yaml');
    expect(refusal(file).message).toBe(`${file}: there is no such file`);
  });

  test('with more problems than anybody reads, and their number', () => {
    const file = configFile(`rules:\n${'  - {}\n'.repeat(300)}`);
    const { problems, total } = refusal(file);
    expect(problems).toHaveLength(200);
    expect(total).toBe(600);
  });
});
