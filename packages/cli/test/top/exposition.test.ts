import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LINE_LENGTH, parseExposition } from '../../src/top/exposition.ts';

const wanted = new Set(['a', 'a_bucket', 'ns:a_total']);

function parse(text: string): readonly object[] {
  return parseExposition(text, wanted).map(({ name, labels, value }) => ({ name, labels: Object.fromEntries(labels), value }));
}

describe('a scrape', () => {
  it.each<[line: string, sample: object]>([
    ['a 1', { name: 'a', labels: {}, value: 1 }],
    ['a{} 1', { name: 'a', labels: {}, value: 1 }],
    ['a{x="y"} 1.5e3 1395066363000', { name: 'a', labels: { x: 'y' }, value: 1_500 }],
    ['a{ x = "y" , z="" , } -2\r', { name: 'a', labels: { x: 'y', z: '' }, value: -2 }],
    ['a_bucket{le="+Inf"} +Inf', { name: 'a_bucket', labels: { le: '+Inf' }, value: Infinity }],
    ['ns:a_total NaN', { name: 'ns:a_total', labels: {}, value: NaN }],
    ['a{x="} 2 \\"quoted\\" \\\\n \\n"} 3', { name: 'a', labels: { x: '} 2 "quoted" \\n \n' }, value: 3 }],
    ['a{x="ü, =\t"} .5', { name: 'a', labels: { x: 'ü, =\t' }, value: 0.5 }],
  ])('has a sample in %j', (line, sample) => {
    expect(parse(`# HELP a b\n# TYPE a gauge\n\n${line}\n`)).toEqual([sample]);
  });

  it.each([
    '',
    'a',
    'a ',
    'a one',
    'a 1 2 3',
    'a{x=y} 1',
    'a{x="y} 1',
    'a{x="y" 1',
    'a{x="y"z} 1',
    'a 0x10',
    'a 1_000',
    '{x="y"} 1',
    'b 1',
    '1a 1',
    '<html>',
    '# a 1',
  ])('has none in %j', (line) => {
    expect(parse(line)).toEqual([]);
  });

  it('leaves out lines that are too long, and reads the others', () => {
    expect(parse(`a{x="${'y'.repeat(MAX_LINE_LENGTH)}"} 1\na 2`)).toEqual([{ name: 'a', labels: {}, value: 2 }]);
  });

  it('is read in one pass, whatever is in it', () => {
    for (const part of ['{', '}', '} ', '"', '\\', ' 1', 'x="",', 'x="\\"']) {
      const began = performance.now();
      parse(`a{${part.repeat(Math.floor(MAX_LINE_LENGTH / part.length) - 2)} 1\n`.repeat(20));
      expect(performance.now() - began).toBeLessThan(1_000);
    }
  });

  it('never throws, and gives back what was written', () => {
    const label = fc.stringMatching(/^[a-z_]{1,8}$/);
    fc.assert(
      fc.property(
        fc.dictionary(label, fc.string()),
        fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0)),
        (labels, value) => {
          const text = Object.entries(labels).map(
            ([name, each]) => `${name}="${each.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`,
          );
          const shown = value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);
          // A carriage return ends no line of the format, and nobody writes one.
          fc.pre(!text.join('').includes('\r'));
          expect(parse(`a{${text.join(',')}} ${shown}`)).toEqual([{ name: 'a', labels, value }]);
        },
      ),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void parse(text)),
      { numRuns: 300 },
    );
  });
});
