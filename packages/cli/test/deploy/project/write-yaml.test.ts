import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { commentLines, noted, writeYaml, type YamlMapping } from '../../../src/deploy/project/write-yaml.ts';

// What YAML 1.1 reads as something else: kubectl's reader still follows it in places.
const texts = [
  'yes',
  'No',
  'on',
  'y',
  'null',
  '~',
  '',
  ' padded ',
  '0644',
  '1e3',
  '0x10',
  '1_000',
  '10.0.0.0/8',
  '12:30',
  '.5',
  '- a',
  '# no',
  'a: b',
  'a #b',
  '@x',
  '*x',
  '&x',
  '!x',
  '%x',
  '{{ .X }}',
  '"q"',
  "it's",
  'ä',
  'tab\there',
];
const plain = [
  'echo-server',
  '5s',
  '300ms',
  '128Mi',
  '900MiB',
  '10%',
  'unix:///run/agent.sock',
  'k8s:sa:echo',
  'ghcr.io/spiffe/spire-server:1.15.2',
];

describe('writeYaml', () => {
  it.each([...texts, ...plain])('gives %j back as the text that it was, in YAML 1.2 and 1.1', (text) => {
    const value = { text, list: [text, 'a'] };
    for (const version of ['1.1', '1.2'] as const) expect(parse(writeYaml(value), { version })).toEqual(value);
  });

  it.each(plain)('writes %j as it is', (text) => expect(writeYaml({ text })).toBe(`text: ${text}\n`));

  it.each(['a\nb', 'a\nb\n', 'a\n\n  b\n', 'a \nb', ' a\nb', 'a\n\n', '\na', 'a\tb\nc', '# a\nb: c\n'])(
    'gives the lines %j back',
    (text) => {
      const value = { text, list: [{ text }] };
      expect(parse(writeYaml(value))).toEqual(value);
    },
  );

  it('writes lines as people read them', () => {
    expect(writeYaml({ script: 'a: 1\n\nb: 2\n' })).toBe('script: |\n  a: 1\n\n  b: 2\n');
  });

  it('leaves out what is undefined, and writes what is empty', () => {
    const value: YamlMapping = { a: undefined, b: null, c: {}, d: [], e: { f: undefined }, g: [{}, 'x'] };
    expect(writeYaml(value)).toBe('b: null\nc: {}\nd: []\ne: {}\ng:\n  - {}\n  - x\n');
  });

  it('puts a note above its key or its item, which reads as nothing', () => {
    const value = {
      a: noted('why a', 1),
      list: [noted('why the first', { b: 1, c: 2 }), { b: noted('why b', 3) }],
      plain: [noted('why x', 'x'), 'z'],
    };
    const text = writeYaml(value);
    expect(text).toBe(
      '# why a\na: 1\nlist:\n  # why the first\n  - b: 1\n    c: 2\n  # why b\n  - b: 3\nplain:\n  # why x\n  - x\n  - z\n',
    );
    expect(parse(text)).toEqual({ a: 1, list: [{ b: 1, c: 2 }, { b: 3 }], plain: ['x', 'z'] });
  });

  it('breaks comments and lists that are too long for a line', () => {
    const words = Array.from({ length: 60 }, (_, index) => `word${index}`);
    const text = writeYaml({ deep: { list: noted(words.join(' '), words) } });
    expect(text.split('\n').every((line) => line.length <= 120)).toBe(true);
    expect(parse(text)).toEqual({ deep: { list: words } });
    expect(
      commentLines(words.join(' '))
        .map((line) => line.slice(2))
        .join(' '),
    ).toBe(words.join(' '));
  });

  it('quotes keys that are no plain text', () => {
    const value = { '10': 1, 'a: b': 2, 'csi.spiffe.io/x': 3 };
    expect(parse(writeYaml(value))).toEqual(value);
  });

  it('refuses a list in a list', () => expect(() => writeYaml({ a: [['b'], { c: 1 }] })).toThrow(TypeError));
});
