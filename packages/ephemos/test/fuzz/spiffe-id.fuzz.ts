// SpiffeId and TrustDomain beside a second implementation that is one regular expression each.
import { EphemosError } from 'ephemos/errors';
import { SpiffeId, TrustDomain } from 'ephemos/spiffe';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numRuns } from './runs.ts';

const NAME = /^[a-z0-9._-]{1,255}$/;
const ID = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*)$/;

function parse(text: string): SpiffeId | undefined {
  try {
    return SpiffeId.parse(text);
  } catch (error) {
    if (error instanceof EphemosError && error.code === 'ERR_SPIFFE_ID_INVALID') return undefined;
    throw error;
  }
}

function parseName(text: string): TrustDomain | undefined {
  try {
    return TrustDomain.parse(text);
  } catch (error) {
    if (error instanceof EphemosError && error.code === 'ERR_TRUST_DOMAIN_INVALID') return undefined;
    throw error;
  }
}

// Pieces that are good, bad, and good in one place and bad in another.
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('spiffe://', 'example.org', 'web', 'a', '/', '.', '..', '...', '-', '_', 'Z', '9') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'SPIFFE://',
      'spiffe:',
      '//',
      '%2e',
      '%2F',
      '?',
      '#',
      '@',
      ':',
      ':443',
      '\\',
      ' ',
      '\0',
      '\n',
      '[::1]',
      '\u00e9',
      '\uff0f',
      '\u212a',
      '\u{1f512}',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
);
const good = fc
  .tuple(fc.stringMatching(/^[a-z0-9._-]{1,20}$/), fc.array(fc.stringMatching(/^[A-Za-z0-9._-]{1,10}$/), { maxLength: 5 }))
  .map(([name, segments]) => ['spiffe:/', name, ...segments].join('/'));
const text = fc.oneof(
  fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('')),
  fc.array(piece, { maxLength: 6 }).map((pieces) => `spiffe://example.org/${pieces.join('')}`),
  good,
  fc.tuple(good, fc.nat(60), piece).map(([id, at, extra]) => id.slice(0, at) + extra + id.slice(at)),
  fc.tuple(good, fc.integer({ min: 2030, max: 2060 })).map(([id, length]) => `${id}/`.padEnd(length, 'a')),
  fc
    .tuple(fc.integer({ min: 250, max: 260 }), fc.constantFrom('', '/web'))
    .map(([length, path]) => `spiffe://${'d'.repeat(length)}${path}`),
);

describe('SpiffeId', () => {
  it('takes what the regular expression takes, and the same parts of it', () => {
    fc.assert(
      fc.property(text, (value) => {
        const match = value.length <= 2048 ? ID.exec(value) : null;
        const id = parse(value);
        expect(id === undefined ? undefined : [id.trustDomain.name, id.path]).toEqual(match === null ? undefined : [match[1], match[2]]);
        if (id !== undefined)
          expect([id.toString(), SpiffeId.parse(id.toString()).equals(id), id.isMemberOf(id.trustDomain)]).toEqual([value, true, true]);
      }),
      { numRuns },
    );
  });

  it('gives a hint that helps: what it says to write is an ID', () => {
    fc.assert(
      fc.property(text, (value) => {
        try {
          SpiffeId.parse(value);
        } catch (error) {
          const hint = error instanceof EphemosError ? error.hint : undefined;
          const [, written] = /^write ("spiffe:.*")$/s.exec(hint ?? '') ?? [];
          // One mistake is mended at a time, so the next refusal may be for another one, but never for the case of letters.
          if (written !== undefined) expect(String(JSON.parse(written))).toMatch(/^spiffe:\/\/[^A-Z/]*(\/|$)/);
        }
      }),
      { numRuns },
    );
  });

  it('equals another one exactly when both are the same text', () => {
    fc.assert(
      fc.property(good, good, (a, b) => {
        const [one, two] = [parse(a), parse(b)];
        if (one !== undefined && two !== undefined) expect(one.equals(two)).toBe(a === b);
      }),
      { numRuns },
    );
  });
});

describe('TrustDomain', () => {
  it('takes what the regular expression takes, as a name or as an ID', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join('')),
        ),
        (value) => {
          const name = value.replace(/^spiffe:\/\//, '');
          expect(parseName(value)?.name).toBe(NAME.test(name) ? name : undefined);
        },
      ),
      { numRuns },
    );
  });
});
