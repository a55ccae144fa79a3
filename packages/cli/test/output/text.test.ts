import { describe, expect, it } from 'vitest';
import { columns, createStyle, exportLine, jsonText, printable } from '../../src/output/text.ts';
import { span } from '../../src/output/time.ts';

describe('columns', () => {
  it('aligns by what is seen, not by colour codes', () => {
    const { bold } = createStyle(true);
    expect(
      columns([
        [bold('a'), 'x'],
        ['long', 'y'],
      ]),
    ).toBe(`${bold('a')}     x\nlong  y`);
  });

  it('breaks the last cell between words when the terminal is narrow', () => {
    const text = columns([['reason', 'one two three four five six seven eight nine ten']], { indent: '  ', width: 40 });
    expect(text.split('\n')).toEqual(['  reason  one two three four five six', '          seven eight nine ten']);
  });
});

describe('text from outside', () => {
  it('cannot move the cursor, break the line or turn the direction of writing', () => {
    expect(printable('a\u001b[2J\r\n\u009b\u2028\u202eb')).toBe('a\\u{1b}[2J\\u{d}\\u{a}\\u{9b}\\u{2028}\\u{202e}b');
  });

  it('survives JSON unchanged, and its document holds no control characters', () => {
    const value = { text: 'a\u001b\u009b\u202e\u{e0001}b', list: [1] };
    const document = jsonText(value, 2);
    expect(JSON.parse(document)).toEqual(value);
    expect(document.replaceAll('\n', '')).toMatch(/^[\x20-\x7e]*$/);
  });
});

it('the line to paste quotes what a shell would act on', () => {
  expect(exportLine('unix:///tmp/a.sock')).toBe('export SPIFFE_ENDPOINT_SOCKET=unix:///tmp/a.sock');
  expect(exportLine("unix:///tmp/$(x)'b")).toBe("export SPIFFE_ENDPOINT_SOCKET='unix:///tmp/$(x)'\\''b'");
});

it.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [61_000, '1 min 1 s'],
  [3_600_000, '1 h'],
  [90_061_000, '1 d 1 h'],
])('a span of %d ms reads %s', (ms, text) => {
  expect(span(ms)).toBe(text);
});
