import { MAX_TRUST_DOMAIN_BYTES, TrustDomain } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './certificates.ts';

describe('TrustDomain takes a name of a-z, 0-9, ".", "-" and "_" (SPIFFE-ID 2.1)', () => {
  it.each(['example.org', 'a', '0', '-', '_', '.', 'a_b-c.d', '10.0.0.1', 'xn--bcher-kva.example', 'a..b', 'spiffe'])('%s', (name) => {
    expect(TrustDomain.parse(name).name).toBe(name);
  });

  it('also as the ID of the trust domain', () => {
    expect(TrustDomain.parse('spiffe://example.org').name).toBe('example.org');
  });

  it(`of ${MAX_TRUST_DOMAIN_BYTES} bytes (SPIFFE-ID 2.3)`, () => {
    expect(TrustDomain.parse('a'.repeat(255)).name).toHaveLength(255);
  });
});

describe('TrustDomain refuses', () => {
  it.each([
    ['nothing', ''],
    ['an ID without a name', 'spiffe://'],
    ['a name of 256 bytes', 'a'.repeat(256)],
    ['upper case', 'Example.org'],
    ['an upper-case scheme', 'SPIFFE://example.org'],
    ['a path', 'example.org/web'],
    ['the ID of a workload', 'spiffe://example.org/web'],
    ['a trailing slash', 'spiffe://example.org/'],
    ['a port', 'example.org:443'],
    ['a user', 'user@example.org'],
    ['an IPv6 address', '[::1]'],
    ['percent-encoding', 'example%2eorg'],
    ['a query', 'example.org?x'],
    ['a fragment', 'example.org#x'],
    ['a blank', 'example.org '],
    ['a NUL', 'example.org\0'],
    ['a line feed', 'example.org\n'],
    ['a letter outside ASCII', 'ex\u00e4mple.org'],
    ['a letter that lower-cases into ASCII', 'example.\u212aom'],
    ['the scheme twice', 'spiffe://spiffe://example.org'],
  ])('%s', (_what, text) => {
    expect(refusalOf(() => TrustDomain.parse(text)).code).toBe('ERR_TRUST_DOMAIN_INVALID');
  });

  it('what is no string', () => {
    expect(refusalOf(() => Reflect.apply(TrustDomain.parse, TrustDomain, [undefined])).code).toBe('ERR_TRUST_DOMAIN_INVALID');
  });
});

describe('TrustDomain', () => {
  it('shows the lower-case form of a name in upper case', () => {
    expect(refusalOf(() => TrustDomain.parse('Example.ORG')).hint).toBe('write "example.org"');
  });

  it('shows no lower-case form when that would be refused too, or be another name', () => {
    expect(refusalOf(() => TrustDomain.parse('Example.org:1')).hint).toBeUndefined();
    expect(refusalOf(() => TrustDomain.parse('example.\u212aom')).hint).toBeUndefined();
  });

  it('equals a trust domain of the same name and no other', () => {
    const domain = TrustDomain.parse('example.org');
    expect(domain.equals(TrustDomain.parse('spiffe://example.org'))).toBe(true);
    expect(domain.equals(TrustDomain.parse('sub.example.org'))).toBe(false);
    expect(domain.equals(TrustDomain.parse('example.org.'))).toBe(false);
  });

  it('is frozen, prints its name and knows its ID', () => {
    const domain = TrustDomain.parse('example.org');
    expect(Object.isFrozen(domain)).toBe(true);
    expect([String(domain), JSON.stringify(domain), domain.idString]).toEqual(['example.org', '"example.org"', 'spiffe://example.org']);
  });
});
