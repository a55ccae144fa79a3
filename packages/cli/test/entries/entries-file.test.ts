import { describe, expect, it } from 'vitest';
import { MAX_PROBLEMS, readEntriesFile } from '../../src/entries/entries-file.ts';
import { entryIdOf } from '../../src/entries/ownership.ts';
import { directoryWith, node, problemsOf, readGood } from './make.ts';

const good = `owner: shop
entries:
  - spiffe_id: spiffe://example.org/web
    parent_id: ${node}
    selectors: [unix:uid:1001]
`;

/** A good entry with one more line. */
function withLine(line: string): string {
  return `${good}    ${line}\n`;
}

/** A good entry with another value of one key. */
function withValue(key: string, value: string): string {
  return good.replace(new RegExp(`(?<=${key}: ).*`), value);
}

describe('an entries file', () => {
  it('gives the entries with the IDs that belong to its owner', () => {
    const { owner, entries } = readGood(good);
    expect(owner).toBe('shop');
    expect(entries).toEqual([
      {
        entryId: entryIdOf('shop', { spiffeId: 'spiffe://example.org/web', parentId: node, key: undefined }),
        spiffeId: 'spiffe://example.org/web',
        parentId: node,
        selectors: ['unix:uid:1001'],
        x509SvidTtl: 0,
        jwtSvidTtl: 0,
        dnsNames: [],
        federatesWith: [],
        admin: false,
        downstream: false,
        storeSvid: false,
        hint: '',
        expiresAt: 0,
        otherAttributes: [],
      },
    ]);
  });

  it('takes every key', () => {
    const { entries } = readGood(
      `${good}    key: canary
    x509_svid_ttl: 1h30m
    jwt_svid_ttl: 90s
    dns_names: [web.example.org, "*.web.example.org", xn--bcher-kva.example]
    federates_with: [partner.example, spiffe://other.example]
    admin: true
    downstream: true
    store_svid: true
    hint: internal
    expires_at: 2030-01-01T00:00:00Z
`,
    );
    expect(entries).toMatchObject([
      {
        entryId: entryIdOf('shop', { spiffeId: 'spiffe://example.org/web', parentId: node, key: 'canary' }),
        x509SvidTtl: 5400,
        jwtSvidTtl: 90,
        dnsNames: ['web.example.org', '*.web.example.org', 'xn--bcher-kva.example'],
        federatesWith: ['partner.example', 'other.example'],
        admin: true,
        downstream: true,
        storeSvid: true,
        hint: 'internal',
        expiresAt: 1_893_456_000,
      },
    ]);
  });

  it('may want nothing, when it says so', () => {
    expect(readGood('owner: shop\nentries: []\n').entries).toEqual([]);
    expect(problemsOf('owner: shop\nentries:\n')).toEqual([
      '2:9 entries: expected a list of entries, and found an empty value; write [] when no entry is wanted',
    ]);
  });

  it('may write YAML as JSON', () => {
    expect(
      readGood(JSON.stringify({ owner: 'a', entries: [{ spiffe_id: 'spiffe://a/b', parent_id: 'spiffe://a/c', selectors: ['a:b'] }] }))
        .owner,
    ).toBe('a');
  });

  it.each<[what: string, text: string, problem: string | RegExp]>([
    ['a key that there is not', withLine('x509_ttl: 1h'), '6:5 entries[0].x509_ttl: there is no such key; did you mean x509_svid_ttl?'],
    ['a key that is like none', withLine('colour: red'), /^6:5 entries\[0\]\.colour: there is no such key; the keys are key, spiffe_id, /],
    ['a key at the top that there is not', `${good}onwer: x\n`, '6:1 onwer: there is no such key; did you mean owner?'],
    ['a key that is missing', good.replace(/ {4}parent_id.*\n/, ''), '3:5 entries[0].parent_id: this key is missing'],
    [
      'a mistyped key, once',
      good.replace('spiffe_id:', 'spifffe_id:'),
      '3:5 entries[0].spifffe_id: there is no such key; did you mean spiffe_id?',
    ],
    ['a key that is there twice', withLine('selectors: [a:b]'), '6:5 entries[0].selectors: this key is there twice; remove one of the two'],
    ['an owner in capitals', good.replace('shop', 'Shop'), /^1:8 owner: expected a name of lower-case letters, .*, and found "Shop"$/],
    ['no owner', good.replace('owner: shop\n', ''), '1:1 owner: this key is missing'],
    [
      'an entry that is none',
      'owner: shop\nentries: [web]\n',
      /^2:11 entries\[0\]: expected a mapping with spiffe_id, .*, and found "web"$/,
    ],
    ['entries that are no list', 'owner: shop\nentries: { a: 1 }\n', '2:10 entries: expected a list of entries, and found a mapping'],
    ['a file that is none', 'web\n', '1:1 expected a mapping with owner, entries, and found "web"'],
    [
      'a bad SPIFFE ID',
      withValue('spiffe_id', 'spiffe://Example.org/web'),
      /^3:16 entries\[0\]\.spiffe_id: a trust domain is written in lower case; write "spiffe:/,
    ],
    [
      'the ID of a trust domain',
      withValue('spiffe_id', 'spiffe://example.org'),
      '3:16 entries[0].spiffe_id: "spiffe://example.org" is the ID of the trust domain itself, and has no path',
    ],
    [
      'an ID of SPIRE',
      withValue('spiffe_id', 'spiffe://example.org/spire/x'),
      '3:16 entries[0].spiffe_id: a path that begins with "/spire" belongs to SPIRE; choose another path',
    ],
    [
      'a parent of another trust domain',
      withValue('parent_id', 'spiffe://other.org/node'),
      '4:16 entries[0].parent_id: the parent must be of the trust domain of spiffe_id, example.org',
    ],
    ['a number for an ID', withValue('spiffe_id', '7'), '3:16 entries[0].spiffe_id: expected a SPIFFE ID, and found the number 7'],
    [
      'no selectors',
      withValue('selectors', '[]'),
      '5:16 entries[0].selectors: the list is empty, and SPIRE takes no entry without a selector; name what tells the workload, such as unix:uid:1001',
    ],
    [
      'a selector without a value',
      withValue('selectors', '["unix:"]'),
      '5:17 entries[0].selectors[0]: "unix:" is not a selector; write <type>:<value>, such as unix:uid:1001',
    ],
    [
      'a selector that became a mapping',
      withValue('selectors', '\n      - unix: uid:1001'),
      /^6:9 entries\[0\]\.selectors\[0\]: expected a selector such as "unix:uid:1001", and found a mapping$/,
    ],
    [
      'a selector that is there twice',
      withValue('selectors', '[a:b, c:d, a:b]'),
      '5:27 entries[0].selectors[2]: "a:b" is there twice; remove one of the two',
    ],
    [
      'a selector alone',
      withValue('selectors', 'unix:uid:1001'),
      '5:16 entries[0].selectors: expected a list, and found "unix:uid:1001"; write [unix:uid:1001]',
    ],
    [
      'a TTL without a unit',
      withLine('x509_svid_ttl: 3600'),
      '6:20 entries[0].x509_svid_ttl: expected a duration such as "1h", and found the number 3600; write "3600s" for seconds',
    ],
    [
      'a TTL of nothing',
      withLine('jwt_svid_ttl: 0s'),
      /^6:19 .*expected whole seconds from 1s to 2147483647s, and found "0s"; leave the key out/,
    ],
    ['a TTL of half a second', withLine('jwt_svid_ttl: 500ms'), /expected whole seconds .*, and found "500ms"$/],
    ['a TTL of 100 years', withLine('jwt_svid_ttl: 876000h'), /expected whole seconds .*, and found "876000h"$/],
    ['a TTL in days', withLine('jwt_svid_ttl: 7d'), '6:19 entries[0].jwt_svid_ttl: "7d" is not a duration; write "168h"'],
    ['a DNS name with "_"', withLine('dns_names: [a_b]'), /^6:17 entries\[0\]\.dns_names\[0\]: "a_b" is not a DNS name; /],
    ['a DNS name with a dot at its end', withLine('dns_names: [a.b.]'), /"a.b." is not a DNS name/],
    ['a wildcard that is not the first label', withLine('dns_names: ["a.*.b"]'), /"a.\*.b" is not a DNS name/],
    [
      'a DNS name that a wildcard covers',
      withLine('dns_names: ["*.b.c", a.b.c]'),
      /^6:26 entries\[0\]\.dns_names\[1\]: a wildcard of this list covers this name/,
    ],
    [
      'a trust domain with a path',
      withLine('federates_with: [partner.example/x]'),
      /^6:22 entries\[0\]\.federates_with\[0\]: a trust domain has no path/,
    ],
    ['an empty list', withLine('dns_names: []'), '6:16 entries[0].dns_names: the list is empty; leave the key out'],
    ['an empty value', withLine('hint:'), /^6:\d+ entries\[0\]\.hint: expected a text, and found an empty value$/],
    ['a long hint', withLine(`hint: ${'h'.repeat(1025)}`), '6:11 entries[0].hint: a hint is at most 1024 bytes'],
    ['a truth that is none', withLine('admin: yes'), '6:12 entries[0].admin: expected true or false, and found "yes"'],
    [
      'a day without a time',
      withLine('expires_at: 2030-01-01'),
      /^6:17 entries\[0\]\.expires_at: expected a moment in UTC such as "2026-12-31T23:59:59Z", and found "2030-01-01"$/,
    ],
    ['a day that there is not', withLine('expires_at: 2030-02-31T00:00:00Z'), /expected a moment in UTC/],
    [
      'a store with selectors of two types',
      good.replace('[unix:uid:1001]', '[a:1, b:2]\n    store_svid: true'),
      /^5:16 entries\[0\]\.selectors: with store_svid all selectors have one type/,
    ],
    ['a placeholder', withValue('selectors', '["unix:uid:$(UID)"]'), /^5:17 .*the placeholder "\$\(UID\)" was not filled in/],
    ['a bad key', withLine('key: "a b"'), /^6:10 entries\[0\]\.key: expected a key of letters, .*, and found "a b"$/],
  ])('is refused with its place for %s', (_, text, problem) => {
    const found = problemsOf(text);
    if (typeof problem === 'string') expect(found).toEqual([problem]);
    else {
      expect(found).toHaveLength(1);
      expect(found[0]).toMatch(problem);
    }
  });

  it('is refused for two entries that grant the same', () => {
    const second = `  - spiffe_id: spiffe://example.org/web\n    parent_id: ${node}\n    key: other\n    selectors: [unix:uid:1001]\n`;
    expect(problemsOf(good + second)).toEqual([
      '6:5 entries[1]: entries[0] has the same spiffe_id, parent_id and selectors; remove one of the two, or change its selectors',
    ]);
  });

  it('asks for a key where two entries have the same SPIFFE ID and parent', () => {
    const second = (key: string): string =>
      `  - spiffe_id: spiffe://example.org/web\n    parent_id: ${node}\n${key}    selectors: [unix:uid:2]\n`;
    expect(problemsOf(good + second(''))).toEqual([
      '6:5 entries[1]: entries[0] has the same spiffe_id and parent_id; give one of them a key to tell them apart, such as "key: canary"',
    ]);
    expect(readGood(good + second('    key: b\n')).entries).toHaveLength(2);
    const twice = `${withLine('key: b')}${second('    key: b\n')}`;
    expect(problemsOf(twice)).toEqual([
      '9:10 entries[1].key: entries[0] has the same spiffe_id and parent_id, and this key; give it another key',
    ]);
  });

  it('is refused with every problem at once, in order, and counts those that nobody would read', () => {
    const bad = Array.from({ length: 300 }, () => '  - spiffe_id: x\n    parent_id: y\n    selectors: [z]\n').join('');
    const file = readEntriesFile(`${directoryWith({ 'e.yaml': `owner: shop\nentries:\n${bad}` })}/e.yaml`);
    if (!('problems' in file)) throw new Error('not refused');
    expect([file.problems.length, file.total]).toEqual([MAX_PROBLEMS, 900]);
    expect(file.problems.map(({ line }) => line)).toEqual(Array.from({ length: MAX_PROBLEMS }, (_, index) => index + 3));
  });

  it('is refused when it is not there, or no YAML', () => {
    expect(readEntriesFile('/nowhere/entries.yaml')).toMatchObject({ problems: [{ message: 'there is no such file' }], total: 1 });
    expect(problemsOf('owner: [shop\n')).toEqual([expect.stringMatching(/^\d+:\d+ this is not valid YAML/)]);
  });

  it('says where a field is that only the server can judge', () => {
    expect(readGood(good).problemAt(0, 'spiffe_id', 'wrong')).toMatchObject({
      line: 3,
      column: 16,
      key: 'entries[0].spiffe_id',
      message: 'wrong',
    });
  });
});
