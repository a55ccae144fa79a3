import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOrdinary } from '../../src/logs/ordinary.ts';
import { scrubLine } from '../../src/logs/scrub-line.ts';
import { applyRules, scrubText } from '../../src/logs/scrub-text.ts';
import { createMemoryLog } from './memory-log.ts';
import { bytesOf, leakOf, type Secret, textForms } from './secrets.ts';

// What stands around secrets, and what the rules look for, in any order.
const piece = fc.oneof(
  fc.constantFrom(
    'orders',
    'GET /v1/',
    'Xk9dQ2',
    'getPeerX509Certificate',
    '550e8400-e29b-41d4-a716-446655440000',
    'spiffe://example.org/web',
    'ERR_PEER_EXPIRED',
  ),
  fc.constantFrom(
    ' ',
    '/',
    '.',
    '-',
    '_',
    '+',
    '=',
    ':',
    ',',
    '"',
    "'",
    '\\',
    '\\n',
    '\n',
    '\t',
    '%',
    '@',
    '://',
    '{',
    '}',
    '[',
    ']',
    '(',
    '&',
    '?',
    '\0',
    '\x1b[31m',
    '\u2028',
  ),
  fc.constantFrom(
    'password',
    'token=',
    '"secret":',
    'Bearer ',
    'basic',
    'authorization:',
    'cookie',
    '-----BEGIN X-----',
    '-----END X-----',
    'eyJhbGciOi',
    'api_key',
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.nat(300).map(String),
  fc.nat(0xffff).map((number) => number.toString(16)),
  fc.stringMatching(/^[A-Za-z0-9]{1,24}$/),
);
const text = fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join(''));
const blank = fc.constantFrom(' ', ': ', ' = ', '"', '(', '\n');

// Random bytes of the length of keys; base64 of fewer reads like names now and then.
const secret = fc
  .record({ seed: fc.integer(), length: fc.integer({ min: 48, max: 400 }) })
  .map(({ seed, length }): Secret => ({ name: `bytes ${seed}`, bytes: bytesOf(String(seed), length), label: 'PRIVATE KEY' }));

describe('a line of the log', () => {
  it('has no bytes of a secret, whatever is around it and wherever it is cut off', () => {
    const cut = fc.record({ from: fc.nat(60), to: fc.nat(60) });
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom(...Object.keys(textForms)),
        text,
        text,
        blank,
        cut,
        (held, form, before, after, around, { from, to }) => {
          const written = textForms[form]?.(held) ?? '';
          // Of bytes that are cut off so that they are no text of their own kind any more, a few are left.
          const shown = form.startsWith('a Buffer in a template') ? written : written.slice(from, written.length - to);
          const { log, lines } = createMemoryLog();
          log.info({ field: `${before}${around}${shown}${around}${after}`, list: [before, shown] }, `${shown}${around}${after}`);
          log.error(new Error(`${before}${around}${shown}`, { cause: { [shown]: after } }));
          for (const line of lines) expect(leakOf(held, line), line).toBeUndefined();
        },
      ),
    );
  });

  it('is one line of printable ASCII and letters, whatever comes in, and says what it was given', () => {
    fc.assert(
      fc.property(text, text, fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }), (message, key, value) => {
        const { log, lines } = createMemoryLog();
        log.info({ [key]: value, peer: message }, message);
        log.child({ [key]: message }).warn(message);
        expect(lines).toHaveLength(2);
        for (const line of lines) {
          expect(line.indexOf('\n')).toBe(line.length - 1);
          expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
          expect(JSON.parse(line)).toMatchObject({ service: 'orders', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) });
        }
      }),
    );
  });

  it('is left as it is by a second pass', () => {
    fc.assert(
      fc.property(text, fc.string({ unit: 'binary' }), (message, field) => {
        const line = scrubLine(`${JSON.stringify({ level: 'info', field, list: [message], msg: message })}\n`);
        expect(scrubLine(line)).toBe(line);
      }),
    );
  });
});

describe('isOrdinary', () => {
  it('is false for every text that a rule would change', () => {
    fc.assert(
      fc.property(text, (value) => {
        if (isOrdinary(value)) expect(applyRules(value)).toBe(value);
        expect(scrubText(value)).toBe(applyRules(value));
      }),
    );
  });

  it('is false for every line in which a rule would change a value', () => {
    const value = fc.oneof(
      text,
      fc.array(fc.oneof(text, fc.integer({ min: -200, max: 300 })), { maxLength: 20 }),
      fc.dictionary(text, text),
    );
    fc.assert(
      fc.property(value, text, (field, name) => {
        const line = `${JSON.stringify({ level: 'info', [name]: field })}\n`;
        if (!isOrdinary(line)) return;
        // With an escape in it the line is looked at.
        const looked = JSON.parse(scrubLine(`${JSON.stringify({ level: 'info', [name]: field, escape: '\n' })}\n`));
        delete looked.escape;
        expect(looked).toEqual(JSON.parse(line));
      }),
    );
  });
});
