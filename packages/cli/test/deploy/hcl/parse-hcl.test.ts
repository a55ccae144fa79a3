import { describe, expect, it } from 'vitest';
import { HclError, type HclItem, type HclValue } from '../../../src/deploy/hcl/hcl-value.ts';
import { MAX_DEPTH, parseHcl } from '../../../src/deploy/hcl/parse-hcl.ts';

function plain(value: HclValue): unknown {
  if (value.kind === 'object') return value.items.map(({ keys, value: inner }) => [keys.map(({ name }) => name).join(' '), plain(inner)]);
  if (value.kind === 'list') return value.values.map(plain);
  return value.kind === 'string' ? value.text : Symbol.for(value.text);
}

const word = (text: string): symbol => Symbol.for(text);

describe('HCL 1 is read as SPIRE reads it', () => {
  it.each<[rule: string, text: string, value: unknown]>([
    [
      'several attributes stand on one line',
      'health_checks { listener_enabled = true bind_port = "80" }',
      [
        [
          'health_checks',
          [
            ['listener_enabled', word('true')],
            ['bind_port', '80'],
          ],
        ],
      ],
    ],
    ['a key may be in quotes', '"server" { "bind_port" = 8081 }', [['server', [['bind_port', word('8081')]]]]],
    ['a block has labels', 'NodeAttestor "x509pop" { plugin_data {} }', [['NodeAttestor x509pop', [['plugin_data', []]]]]],
    [
      'an object may be assigned',
      'ca_subject = { country = ["US"], common_name = "a" }',
      [
        [
          'ca_subject',
          [
            ['country', ['US']],
            ['common_name', 'a'],
          ],
        ],
      ],
    ],
    [
      'comments are of three kinds',
      '# a\nb = 1 // c\n/* d\n*/ e = 2',
      [
        ['b', word('1')],
        ['e', word('2')],
      ],
    ],
    ['a text may hold a variable with quotes in it', `a = "x\${env["B"]}y"`, [['a', `x\${env["B"]}y`]]],
    ['escapes are read', String.raw`a = "q\"\\\u00e4\x41\101"`, [['a', 'q"\\äAA']]],
    [
      'a heredoc ends at its anchor',
      'a = <<EOF\nb\nEOF\nc = 1\n',
      [
        ['a', 'b\n'],
        ['c', word('1')],
      ],
    ],
    ['lists hold objects and lists', 'a = [1, { b = "c" }, [true], ]', [['a', [word('1'), [['b', 'c']], [word('true')]]]]],
    ['numbers have all their forms', 'a = [-1, 0x1F, 1.5e3, 010]', [['a', [word('-1'), word('0x1F'), word('1.5e3'), word('010')]]]],
    [
      'JSON is read too',
      '{ "server": { "bind_port": 8081, "admin_ids": [], "x": null } }',
      [
        [
          'server',
          [
            ['bind_port', word('8081')],
            ['admin_ids', []],
            ['x', word('null')],
          ],
        ],
      ],
    ],
    [
      'lines may end as on Windows',
      'a = 1\r\nb = 2\r\n',
      [
        ['a', word('1')],
        ['b', word('2')],
      ],
    ],
  ])('%s', (_, text, value) => {
    expect(plain(parseHcl(text))).toEqual(value);
  });

  it('knows where every key stands', () => {
    const text = '/* ü */ server {\n  bind_port = 1\n\n\t"é" "label" { x = <<A\n1\n2\nA\n y = 2 }\n}';
    const keysOf = ({ keys, value }: HclItem): readonly string[] => [
      ...keys.map(({ name, line, column }) => `${name} ${line}:${column}`),
      ...(value.kind === 'object' ? value.items.flatMap(keysOf) : []),
    ];
    expect(parseHcl(text).items.flatMap(keysOf)).toEqual(['server 1:9', 'bind_port 2:3', 'é 4:2', 'label 4:6', 'x 4:16', 'y 8:2']);
  });
});

describe('what is no HCL is refused at its place', () => {
  it.each<[text: string, place: string, message: string]>([
    ['server {', '1:8', 'this brace is never closed'],
    ['server {\n  a = "b\n}', '2:7', 'this text has no closing quote'],
    ['a = b', '1:5', '"b" is not a value'],
    ["a = 'b'", '1:5', 'there is no place for "\'" here'],
    ['a: 1', '1:2', 'there is no place for ":" here'],
    ['a "b" = 1', '1:7', 'only one name stands in front of ='],
    ['a = [1 2]', '1:8', 'a comma is missing in this list'],
    ['a = [1, 2', '1:5', 'this list is never closed'],
    ['a\nb = 1 }', '2:3', 'only one name stands in front of ='],
    ['server', '1:1', '"server" has no value'],
    ['= 1', '1:1', 'expected a key, and found "="'],
    ['a = "\\q"', '1:6', 'there is no such escape'],
    ['a = 089', '1:5', 'a number that starts with 0 is octal'],
    ['/* a', '1:1', 'this comment has no end'],
    ['a = <<EOF\nb', '1:5', 'the text that starts with <<EOF has no end'],
    ['a = ', '1:5', 'a value is missing'],
    ['{ "a": 1', '1:1', 'this starts with a brace, as JSON does, and is none'],
    [`a = ${'['.repeat(MAX_DEPTH + 1)}`, `1:${MAX_DEPTH + 5}`, `at most ${MAX_DEPTH} deep`],
    [`${'a {'.repeat(100_000)}`, `1:${MAX_DEPTH * 3 + 3}`, `at most ${MAX_DEPTH} deep`],
  ])('%.30s', (text, place, message) => {
    const refusal = refusalOf(text);
    expect(`${refusal.place.line}:${refusal.place.column} ${refusal.message}`).toContain(
      `${place} ${message.startsWith('at most') ? 'objects and lists are ' : ''}${message}`,
    );
  });
});

function refusalOf(text: string): HclError {
  try {
    parseHcl(text);
  } catch (error) {
    if (error instanceof HclError) return error;
    throw error;
  }
  throw new Error('it was read');
}
