import { describe, expect, it } from 'vitest';
import { changesBetween, fieldsOf, grantOf } from '../../src/entries/entry.ts';
import { entry, node } from './make.ts';

describe('the fields of an entry', () => {
  it('are written as an entries file takes them, and left out where that is the same', () => {
    expect(fieldsOf(entry('web'))).toEqual([
      ['spiffe_id', 'spiffe://example.org/web'],
      ['parent_id', node],
      ['selectors', ['unix:uid:1001']],
    ]);
    const full = entry('web', {
      selectors: ['unix:uid:1', 'unix:gid:1'],
      x509SvidTtl: 5400,
      jwtSvidTtl: 61,
      dnsNames: ['b', 'a'],
      federatesWith: ['b', 'a'],
      admin: true,
      downstream: true,
      storeSvid: true,
      hint: 'x',
      expiresAt: 1_893_456_000,
    });
    expect(Object.fromEntries(fieldsOf(full))).toEqual({
      spiffe_id: 'spiffe://example.org/web',
      parent_id: node,
      selectors: ['unix:gid:1', 'unix:uid:1'],
      x509_svid_ttl: '1h30m',
      jwt_svid_ttl: '1m1s',
      dns_names: ['b', 'a'],
      federates_with: ['a', 'b'],
      admin: true,
      downstream: true,
      store_svid: true,
      hint: 'x',
      expires_at: '2030-01-01T00:00:00Z',
    });
  });

  it('survive what no file would hold', () => {
    expect(fieldsOf(entry('web', { expiresAt: 2 ** 60 })).at(-1)).toEqual(['expires_at', '1152921504606847000 s after 1970']);
  });
});

describe('the changes between two entries', () => {
  it('are those of fields, and not of the order of a set', () => {
    const from = entry('web', { selectors: ['a:1', 'b:2'], federatesWith: ['x', 'y'], hint: 'old' });
    const to = entry('web', { selectors: ['b:2', 'a:1'], federatesWith: ['y', 'x'], x509SvidTtl: 60 });
    expect(changesBetween(from, to)).toEqual([
      { field: 'x509_svid_ttl', from: undefined, to: '1m' },
      { field: 'hint', from: 'old', to: undefined },
    ]);
  });

  it('have the order of DNS names, the first of which is the common name', () => {
    expect(changesBetween(entry('web', { dnsNames: ['a', 'b'] }), entry('web', { dnsNames: ['b', 'a'] }))).toEqual([
      { field: 'dns_names', from: ['a', 'b'], to: ['b', 'a'] },
    ]);
  });
});

describe('what an entry grants', () => {
  it('is its SPIFFE ID, its parent and its selectors in any order', () => {
    expect(grantOf(entry('web', { selectors: ['a:1', 'b:2'] }))).toBe(grantOf(entry('web', { selectors: ['b:2', 'a:1'], hint: 'x' })));
    expect(grantOf(entry('web', { selectors: ['a:1'] }))).not.toBe(grantOf(entry('web', { selectors: ['a:1', 'b:2'] })));
  });
});
