import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entriesDocument, entriesYaml } from '../../src/entries/entries-yaml.ts';
import { type Entry, fieldsOf } from '../../src/entries/entry.ts';
import { createPlanner } from '../../src/entries/plan.ts';
import { entry, node, readGood } from './make.ts';

describe('exported entries', () => {
  it('are an entries file', () => {
    expect(
      entriesYaml('shop', [
        entry('web', { x509SvidTtl: 3600, admin: true, dnsNames: ['*.a.b', 'c'], hint: 'yes', expiresAt: 1_893_456_000 }),
      ]),
    ).toBe(
      `owner: shop
entries:
  - spiffe_id: spiffe://example.org/web
    parent_id: ${node}
    selectors:
      - unix:uid:1001
    x509_svid_ttl: 1h
    dns_names:
      - "*.a.b"
      - c
    admin: true
    hint: "yes"
    expires_at: 2030-01-01T00:00:00Z
`,
    );
    expect(entriesYaml('shop', [])).toBe('owner: shop\nentries: []\n');
  });

  it('get keys where a file needs them', () => {
    const both = [entry('web', { selectors: ['a:1'] }), entry('web', { selectors: ['a:2'] }), entry('db')];
    const { entries } = readGood(entriesYaml('shop', both));
    expect(new Set(entries.map(({ entryId }) => entryId)).size).toBe(3);
    expect(entriesYaml('shop', both).match(/- key: by-[0-9a-f]{8}\n/g)).toHaveLength(2);
  });

  it('say what a file has no key for', () => {
    const text = entriesYaml('shop', [entry('web', { otherAttributes: ['jwt_svid_include_jti'] })]);
    expect(text).toContain('entries:\n    # not in this file: jwt_svid_include_jti\n  - spiffe_id: ');
    expect(readGood(text).entries).toHaveLength(1);
  });

  // Placeholders and what looks like a secret are refused in a file, whoever wrote it.
  const words = fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }).filter((text) => !/[$({:]|\0|\p{Cs}/u.test(text));
  const entries: fc.Arbitrary<readonly Entry[]> = fc
    .uniqueArray(
      fc.record({
        name: fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/),
        selectors: fc.uniqueArray(
          fc.tuple(words, words).map(([type, value]) => `${type}:${value}`),
          { minLength: 1, maxLength: 3 },
        ),
        hint: fc.option(words, { nil: '' }),
        x509SvidTtl: fc.nat(100_000),
        expiresAt: fc.nat(4_000_000_000),
      }),
      { selector: ({ name }) => name, maxLength: 4 },
    )
    .map((all) => all.map(({ name, ...fields }) => entry(name, fields)));

  it('are read as they were, whatever is in them, and applying them changes nothing', () => {
    fc.assert(
      fc.property(entries, (all) => {
        for (const text of [entriesYaml('shop', all), JSON.stringify(entriesDocument('shop', all))]) {
          const read = readGood(text);
          expect(read.entries.map((each) => fieldsOf(each))).toEqual(all.map((each) => fieldsOf(each)));
          const planner = createPlanner(read.entries, { owner: 'shop', prune: true, now: 0 });
          for (const each of all) planner.see(each);
          expect(planner.finish()).toMatchObject({ create: [], update: [], delete: [], held: [], unchanged: all.length });
        }
      }),
      { numRuns: 100 },
    );
  });
});
