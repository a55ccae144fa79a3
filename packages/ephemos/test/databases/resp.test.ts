import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RespReader, type RespValue } from '../../src/databases/resp.ts';

function read(text: string | Buffer, cuts: readonly number[] = []): readonly RespValue[] {
  const bytes = Buffer.from(text);
  const values: RespValue[] = [];
  const reader = new RespReader((value) => values.push(value));
  let at = 0;
  for (const cut of [...cuts.map((each) => each % (bytes.length + 1)).sort((one, other) => one - other), bytes.length]) {
    reader.read(bytes.subarray(at, cut));
    at = cut;
  }
  return values;
}

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const array = (...items: readonly string[]): string => `*${items.length}\r\n${items.join('')}`;

/** What a server may answer, in RESP2 and RESP3, each one value. */
const answers: readonly string[] = [
  '+OK\r\n',
  '-ERR unknown command\r\n',
  ':12\r\n',
  bulk(''),
  bulk('with\r\n+OK\r\ninside, and äöü'),
  '$-1\r\n',
  '*-1\r\n',
  '*0\r\n',
  array(bulk('a'), ':1\r\n', array(), array(array(bulk('deep')))),
  '_\r\n',
  '#t\r\n',
  ',1.5\r\n',
  '(3492890328409238509324850943850943825024385\r\n',
  '!5\r\nERR x\r\n',
  '=7\r\ntxt:abc\r\n',
  `%2\r\n${bulk('a')}:1\r\n${bulk('b')}${array(bulk('c'))}`,
  '%0\r\n',
  `~2\r\n${bulk('a')}${bulk('b')}`,
  `|1\r\n+ttl\r\n:3600\r\n${bulk('value')}`,
];

describe('RespReader', () => {
  it.each(answers.map((answer) => [answer]))('counts %j as one value', (answer) => {
    expect(read(answer)).toHaveLength(1);
    expect(read(answer.slice(0, -1))).toHaveLength(0);
    expect(read(`${answer}${answer}:1\r\n`)).toHaveLength(3);
  });

  it('tells pushes from answers', () => {
    const push = `>3\r\n${bulk('message')}${bulk('news')}${bulk('hello')}`;
    expect(read(`+OK\r\n${push}:1\r\n`).map(({ type }) => type)).toEqual(['+', '>', ':']);
  });

  it('reads the names of commands, in capitals', () => {
    const commands = [array(bulk('multi')), array(bulk('set'), bulk('exec'), bulk('x')), array(bulk('Exec')), array(bulk('x'.repeat(40)))];
    expect(read(commands.join('')).map(({ name }) => name)).toEqual(['MULTI', 'SET', 'EXEC', '']);
  });

  it('reads the same however the bytes are cut', () => {
    const item = fc.oneof(
      fc.constantFrom(...answers),
      fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 4 }).map((words) => array(...words.map(bulk))),
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (items, cuts) => {
        const text = items.join('');
        const whole = read(text);
        expect(whole).toHaveLength(items.length);
        expect(read(text, cuts)).toEqual(whole);
        expect(
          read(
            text,
            Array.from({ length: Buffer.byteLength(text) }, (_, at) => at),
          ),
        ).toEqual(whole);
      }),
    );
  });

  it('keeps nothing of what it reads, and breaks on nothing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void read(Buffer.from(bytes))));
    for (const text of [
      '$99999999999999999999\r\nx',
      '*99999999999999999999\r\n',
      `+${'x'.repeat(1e6)}\r\n`,
      '$x\r\n',
      '*x\r\n:1\r\n',
      '\r\n\r\n',
    ])
      read(text);
  });
});
