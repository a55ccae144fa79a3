import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { formatProblem } from '../../src/config/problem.ts';
import { MAX_DEPTH, readYaml } from '../../src/config/yaml-text.ts';
import { configFile, minimal, refusalOf } from './files.ts';

function firstProblem(text: string): string {
  return readYaml(text).problems.map(({ line, column, message }) => `${line}:${column} ${message}`)[0] ?? 'none';
}

describe('a YAML text', () => {
  // A stack that overflows while V8 compiles a regular expression ends the process: nothing could catch that.
  test.each([
    ['flow sequences', '['.repeat(200_000)],
    ['flow mappings', '{a: '.repeat(100_000)],
    ['sequences in one line', '- '.repeat(200_000)],
    ['explicit keys', '? '.repeat(200_000)],
    ['indented mappings', Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('of deep %s is refused before anything recurses into it', (_, text) => {
    expect(firstProblem(text)).toMatch(/^\d+:\d+ nested more than 32 deep$/);
  });

  test('may nest as deep as the bound', () => {
    expect(readYaml('['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH)).problems).toEqual([]);
    expect(readYaml(`${'['.repeat(MAX_DEPTH)}a${']'.repeat(MAX_DEPTH)}`).problems).toEqual([]);
    expect(firstProblem('['.repeat(MAX_DEPTH + 2) + ']'.repeat(MAX_DEPTH + 2))).toBe('1:35 nested more than 32 deep');
  });

  test('of aliases that multiply is refused', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (const [one, next] of ['ab', 'bc', 'cd', 'de', 'ef'])
      bomb.push(`${next}: &${next} [${Array.from({ length: 9 }, () => `*${one}`).join()}]`);
    expect(firstProblem(`${bomb.join('\n')}\n`)).toBe('2:8 the aliases stand for more than 100 copies');
    expect(firstProblem(`a: &a x\nb: [${Array.from({ length: 101 }, () => '*a').join()}]\n`)).toBe(
      '2:5 the aliases stand for more than 100 copies',
    );
    expect(readYaml(`a: &a x\nb: [${Array.from({ length: 100 }, () => '*a').join()}]\n`).problems).toEqual([]);
  });

  test('with many keys takes no square of their number', () => {
    const text = Array.from({ length: 40_000 }, (_, index) => `k${index}: 1\n`).join('');
    expect(readYaml(`${text}k0: 2\n`).problems).toMatchObject([{ line: 40_001, column: 1, message: 'this key is there twice' }]);
  });

  test('knows where keys, values and entries are', () => {
    const { position } = readYaml('a:\n  b: [1, {c: 2}]\nd: &x\n  e: 5\nf: *x\n');
    expect(position(['a'], 'key')).toEqual({ line: 1, column: 1 });
    expect(position(['a', 'b'], 'value')).toEqual({ line: 2, column: 6 });
    expect(position(['a', 'b', 1, 'c'], 'value')).toEqual({ line: 2, column: 14 });
    expect(position(['a', 'b', 1, 'c'], 'key')).toEqual({ line: 2, column: 11 });
    expect(position(['a', 'b', 7], 'value')).toEqual({ line: 2, column: 3 });
    expect(position(['a', 'missing', 'below'], 'value')).toEqual({ line: 1, column: 1 });
    expect(position(['f', 'e'], 'value')).toEqual({ line: 4, column: 6 });
    expect(position(['g'], 'value')).toEqual({ line: 1, column: 1 });
  });

  test('reads YAML 1.2: no is a text, and a leading zero no octal number', () => {
    expect(readYaml('a: no\nb: 010\nc: 1e3\nd: ~\n1: x\n').value).toEqual({ a: 'no', b: 10, c: 1000, d: null, '1': 'x' });
    expect(readYaml('%YAML 1.1\n---\na: no\n').value).toEqual({ a: 'no' });
  });
});

describe('a secret', () => {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const token = `eyJhbGciOiJFUzI1NiJ9.${'eyJzdWIiOiJzcGlmZmU6Ly9hY21lLmNvbS93ZWIifQ'}.c2lnbmF0dXJl`;
  const password = 'postgres://spire:hunter2hunter2@db:5432/spire';

  test.each([
    ['a private key', privateKey],
    ['a token', token],
    ['a password', password],
  ])('%s is refused wherever it stands, and shown nowhere', (_, secret) => {
    const quoted = JSON.stringify(secret);
    const indented = secret.replaceAll('\n', '\n      ');
    const texts = [
      secret,
      `${minimal}x: ${quoted}\n`,
      `${minimal}${quoted}: x\n`,
      `${minimal}logs:\n  ${quoted}: x\n  level: x\n`,
      `service:\n  name: ${quoted}\n  domain: ${quoted}\n  authorized_clients: [${quoted}]\n`,
      `service:\n  name: |\n      ${indented}\n  domain: acme.com\n`,
      `${minimal}agent:\n  socketPath: ${quoted}\nlisten:\n  address: ${quoted}\n  min_tls_version: ${quoted}\nshutdown:\n  deadline: ${quoted}\nlogs:\n  level: ${quoted}\n`,
      `${minimal}policy:\n  file: ${quoted}\n`,
      `${minimal}policy:\n  rules: [${quoted}, {name: ${quoted}}]\n`,
      `service: !${secret.split('\n')[0]?.replaceAll(' ', '')} x\n`,
      `${minimal}logs: *${secret.split('\n')[0]?.replaceAll(' ', '')}\n`,
    ];
    const parts = secret.split(/[\n.:/@]/).filter((part) => part.length > 9 && !part.includes('PRIVATE KEY'));
    expect(parts.length).toBeGreaterThan(0);
    for (const text of texts) {
      const error = refusalOf({ path: configFile(text) });
      const said = [inspect(error, { depth: 9 }), JSON.stringify(error), ...error.problems.map(formatProblem)].join('\n');
      for (const part of parts) expect(said, text).not.toContain(part);
    }
    for (const variable of [
      'EPHEMOS_LOG_LEVEL',
      'EPHEMOS_AUTHORIZED_CLIENTS',
      'EPHEMOS_NO_SUCH',
      'SPIFFE_ENDPOINT_SOCKET',
      'EPHEMOS_CONFIG_PATH',
    ]) {
      const said = inspect(
        refusalOf({ ...(variable === 'EPHEMOS_CONFIG_PATH' ? {} : { path: configFile(minimal) }), env: { [variable]: secret } }),
        { depth: 9 },
      );
      for (const part of parts) expect(said, variable).not.toContain(part);
    }
  });
});
