import { describe, expect, it } from 'vitest';
import { entryIdOf, KEY, OWNER, ownerOf } from '../../src/entries/ownership.ts';

const web = { spiffeId: 'spiffe://example.org/web', parentId: 'spiffe://example.org/node', key: undefined };

describe('the ID of an entry', () => {
  it('is the same whenever it is made', () => {
    expect(entryIdOf('shop', web)).toBe('ephemos.shop.36991b30ed8d82d754bae91c63fa2751');
    expect(entryIdOf('shop', web)).toBe(entryIdOf('shop', { ...web }));
  });

  it('differs with the owner, the SPIFFE ID, the parent and the key', () => {
    const ids = [
      entryIdOf('shop', web),
      entryIdOf('shops', web),
      entryIdOf('shop', { ...web, spiffeId: 'spiffe://example.org/web2' }),
      entryIdOf('shop', { ...web, parentId: 'spiffe://example.org/node2' }),
      entryIdOf('shop', { ...web, key: 'canary' }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has what SPIRE takes: at most 255 letters, digits, "-", "_" and "."', () => {
    const id = entryIdOf('a'.repeat(40), web);
    expect(id).toMatch(/^[A-Za-z0-9._-]{1,255}$/);
    expect(id).toHaveLength(81);
  });

  it('tells its owner, and that of others tells none', () => {
    expect(ownerOf(entryIdOf('shop-2', web))).toBe('shop-2');
    for (const other of [
      '',
      '1c2f6d1e-7c0a-4f0e-9d3c-2a2f0d4a7b11',
      'ephemos.shop.handmade',
      'ephemos.shop.36991b30ed8d82d754bae91c63fa275',
      'xephemos.shop.36991b30ed8d82d754bae91c63fa2751',
      'ephemos.a.b.36991b30ed8d82d754bae91c63fa2751',
      'ephemos.shop.36991b30ed8d82d754bae91c63fa2751\n',
    ])
      expect(ownerOf(other)).toBeUndefined();
  });
});

describe('an owner and a key', () => {
  it.each(['shop', 's', 'team-7', 'a'.repeat(40)])('may be %s', (name) => {
    expect(OWNER.test(name)).toBe(true);
    expect(KEY.test(name)).toBe(true);
  });

  it.each(['', 'Shop', 'a.b', 'a_b', '-a', 'a-', 'a'.repeat(41), 'é', 'a\n'])('an owner may not be %j', (name) => {
    expect(OWNER.test(name)).toBe(false);
  });

  it.each(['', '.a', 'a.', 'a b', 'a/b', 'a'.repeat(65)])('a key may not be %j', (name) => {
    expect(KEY.test(name)).toBe(false);
  });
});
