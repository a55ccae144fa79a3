import { MAX_AUTHORITIES, MAX_BUNDLE_BYTES, TrustDomain, X509Bundle, X509BundleSet } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { bundleOf, exampleOrg, issueLeaf, issueRoot, outcomeOf, refusalOf, trusting, verify } from './certificates.ts';
import { childrenOf, edited, element } from './der-tree.ts';

const [one, two] = [await issueRoot(), await issueRoot()];
const tiny = element(0x30);

describe('X509Bundle takes', () => {
  it('certificates in a row, in their order', () => {
    const bundle = bundleOf('example.org', one, two);
    expect(bundle.size).toBe(2);
    expect(bundle.authorities.map(({ der }) => Buffer.compare(der, one.der) === 0)).toEqual([true, false]);
    expect(bundle.authorities).toBe(bundle.authorities);
  });

  it('nothing: then nobody is trusted (Trust Domain and Bundle 4.1.3)', () => {
    expect(bundleOf('example.org').authorities).toEqual([]);
  });

  it(`${MAX_AUTHORITIES} authorities, and ${MAX_BUNDLE_BYTES} bytes`, () => {
    expect(X509Bundle.parse(exampleOrg, Buffer.concat(Array.from({ length: MAX_AUTHORITIES }, () => tiny))).size).toBe(MAX_AUTHORITIES);
    expect(X509Bundle.parse(exampleOrg, element(0x30, Buffer.alloc(MAX_BUNDLE_BYTES - 5))).der).toHaveLength(MAX_BUNDLE_BYTES);
  });
});

describe('X509Bundle refuses', () => {
  it.each([
    ['one authority too many', Buffer.concat(Array.from({ length: MAX_AUTHORITIES + 1 }, () => tiny))],
    ['one byte too many', element(0x30, Buffer.alloc(MAX_BUNDLE_BYTES - 4))],
    ['a certificate that is cut off', one.der.subarray(0, -1)],
    ['bytes behind the last certificate', Buffer.concat([one.der, Uint8Array.of(0)])],
    ['bytes before the first certificate', Buffer.concat([Uint8Array.of(5, 0), one.der])],
    ['PEM', Buffer.from('-----BEGIN CERTIFICATE-----')],
    ['an element of indefinite length', Buffer.from('30800000', 'hex')],
  ])('%s', (_what, der) => {
    expect(refusalOf(() => X509Bundle.parse(exampleOrg, der)).code).toBe('ERR_BUNDLE_INVALID');
  });
});

describe('an authority that cannot be read', () => {
  it('is left out and blocks no other', async () => {
    const old = { der: edited(one.der, (tbs) => void childrenOf(tbs).shift()) };
    const bundle = bundleOf('example.org', old, { der: tiny }, two);
    expect([bundle.size, bundle.authorities.length]).toEqual([3, 1]);
    const [good, bad] = [await issueLeaf(two), await issueLeaf(one)];
    expect(outcomeOf(() => verify([good], new X509BundleSet([bundle])))).toBe('accepted');
    expect(outcomeOf(() => verify([bad], new X509BundleSet([bundle])))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });
});

describe('X509Bundle', () => {
  it('equals one of the same trust domain and the same bytes', () => {
    const bundle = bundleOf('example.org', one, two);
    expect(
      [bundle, bundleOf('example.org', one, two), bundleOf('example.org', two, one), bundleOf('other.example', one, two)].map((other) =>
        bundle.equals(other),
      ),
    ).toEqual([true, true, false, false]);
  });

  it('is frozen, and so is the list of its authorities', () => {
    const bundle = bundleOf('example.org', one);
    expect([Object.isFrozen(bundle), Object.isFrozen(bundle.authorities)]).toEqual([true, true]);
  });
});

describe('X509BundleSet', () => {
  it('gives the bundle of a trust domain under its own name and no other', () => {
    const bundle = bundleOf('example.org', one);
    const set = new X509BundleSet([bundle, bundleOf('other.example', two)]);
    expect(set.get(TrustDomain.parse('spiffe://example.org'))).toBe(bundle);
    expect(set.get(TrustDomain.parse('sub.example.org'))).toBeUndefined();
    expect(['__proto__', 'constructor', 'tostring'].map((name) => set.get(TrustDomain.parse(name)))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([set.size, [...set].length]).toEqual([2, 2]);
  });

  it('refuses two bundles of one trust domain: they are never merged', () => {
    expect(outcomeOf(() => new X509BundleSet([bundleOf('example.org', one), bundleOf('example.org', two)]))).toBe('ERR_BUNDLE_INVALID');
  });

  it('equals one of the same bundles, in any order', () => {
    const [a, b] = [bundleOf('a.example', one), bundleOf('b.example', two)];
    const set = new X509BundleSet([a, b]);
    expect(set.equals(new X509BundleSet([b, a]))).toBe(true);
    expect(set.equals(new X509BundleSet([a]))).toBe(false);
    expect(set.equals(new X509BundleSet([a, bundleOf('c.example', two)]))).toBe(false);
    expect(set.equals(new X509BundleSet([a, bundleOf('b.example', one)]))).toBe(false);
    expect(Object.isFrozen(trusting())).toBe(true);
  });
});
