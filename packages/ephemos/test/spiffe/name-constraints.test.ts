// Name constraints of RFC 5280 section 4.2.1.10, on the root and on an intermediate.
import type { IssuedCertificate, NameConstraintsOptions, RawCertificateOptions } from '@ephemos/dev';
import { Certificate, X509BundleSet } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { MAX_NAME_COMPARISONS, satisfiesNameConstraints } from '../../src/spiffe/name-constraints.ts';
import { bundleOf, costOf, crossSign, issueCa, issueLeaf, issueRoot, outcomeOf, trusting, verify } from './certificates.ts';
import { element, text } from './der-tree.ts';

const CONSTRAINED = 'ERR_PEER_NAME_CONSTRAINED';

/** A root and an intermediate, one of which is constrained. */
async function chain(
  place: string,
  options: RawCertificateOptions,
): Promise<{ readonly root: IssuedCertificate; readonly ca: IssuedCertificate }> {
  const root = await issueRoot(place === 'root' ? options : {});
  return { root, ca: await issueCa(root, place === 'intermediate' ? options : {}) };
}

async function outcomeWith(place: string, ca: RawCertificateOptions, leaf: RawCertificateOptions = {}): Promise<string> {
  const { root, ca: issuer } = await chain(place, ca);
  const certificate = await issueLeaf(issuer, leaf);
  const names = ['example.org', 'a.example.org', 'other.example'];
  const bundles = new X509BundleSet(names.map((name) => bundleOf(name, root)));
  return outcomeOf(() => verify([certificate, issuer], bundles));
}

/** Name constraints as bytes, to write what no option says. */
function raw(...contents: readonly Uint8Array[]): RawCertificateOptions {
  return { extraExtensions: [{ oid: '2.5.29.30', critical: true, der: element(0x30, ...contents) }] };
}

const sub = 'spiffe://a.example.org/web';

describe.each(['root', 'intermediate'])('constraints on the %s', (place) => {
  const cases: readonly (readonly [string, string, NameConstraintsOptions, RawCertificateOptions?])[] = [
    ['permit the trust domain they name', 'accepted', { permittedUris: ['example.org'] }],
    ['permit nothing else', CONSTRAINED, { permittedUris: ['other.example'] }],
    ['permit each of several', 'accepted', { permittedUris: ['other.example', 'example.org'] }],
    ['in upper case mean the same', 'accepted', { permittedUris: ['EXAMPLE.org'] }],
    ['that name a host do not permit what is below it', CONSTRAINED, { permittedUris: ['example.org'] }, { uris: [sub] }],
    ['that name a host do not permit what merely ends like it', CONSTRAINED, { permittedUris: ['ample.org'] }],
    ['with a leading dot permit what is below', 'accepted', { permittedUris: ['.example.org'] }, { uris: [sub] }],
    ['with a leading dot do not permit the host itself', CONSTRAINED, { permittedUris: ['.example.org'] }],
    ['exclude the trust domain they name', CONSTRAINED, { excludedUris: ['example.org'] }],
    ['exclude nothing else', 'accepted', { excludedUris: ['other.example', 'a.example.org', '.example.org'] }],
    ['with a leading dot exclude what is below', CONSTRAINED, { excludedUris: ['.example.org'] }, { uris: [sub] }],
    ['exclude what they also permit', CONSTRAINED, { permittedUris: ['example.org'], excludedUris: ['example.org'] }],
    ['that are not critical hold as well', CONSTRAINED, { permittedUris: ['other.example'], critical: false }],
    ['for DNS names do not touch a leaf without any', 'accepted', { permittedDnsNames: ['other.example'] }],
    ['permit a DNS name', 'accepted', { permittedDnsNames: ['example.org'] }, { dnsNames: ['example.org'] }],
    ['permit DNS names below it', 'accepted', { permittedDnsNames: ['example.org'] }, { dnsNames: ['a.b.example.org'] }],
    [
      'permit no DNS name that merely ends like it',
      CONSTRAINED,
      { permittedDnsNames: ['example.org'] },
      { dnsNames: ['evil-example.org'] },
    ],
    ['permit no other DNS name', CONSTRAINED, { permittedDnsNames: ['example.org'] }, { dnsNames: ['web.example.org', 'evil.example'] }],
    ['with a leading dot permit DNS names below', 'accepted', { permittedDnsNames: ['.example.org'] }, { dnsNames: ['web.example.org'] }],
    [
      'with a leading dot do not permit the DNS name itself',
      CONSTRAINED,
      { permittedDnsNames: ['.example.org'] },
      { dnsNames: ['example.org'] },
    ],
    ['exclude a DNS name in any case', CONSTRAINED, { excludedDnsNames: ['evil.example'] }, { dnsNames: ['WWW.Evil.Example'] }],
    ['for the empty DNS name exclude all', CONSTRAINED, { excludedDnsNames: [''] }, { dnsNames: ['web.example.org'] }],
    ['for the empty DNS name permit all', 'accepted', { permittedDnsNames: [''] }, { dnsNames: ['web.example.org'] }],
    ['for URIs do not touch DNS names', 'accepted', { permittedUris: ['example.org'] }, { dnsNames: ['evil.example'] }],
  ];
  for (const [what, outcome, nameConstraints, leaf] of cases) {
    it(what, async () => {
      expect(await outcomeWith(place, { nameConstraints }, leaf)).toBe(outcome);
    });
  }
});

describe('constraints for kinds of names that are not evaluated', () => {
  const ip = text(0x87, '\x0a\0\0\0\xff\0\0\0');
  const directory = element(0xa4, element(0x30));
  const san = (...names: readonly Uint8Array[]): RawCertificateOptions => ({
    uris: [],
    extraExtensions: [{ oid: '2.5.29.17', critical: true, der: element(0x30, text(0x86, 'spiffe://example.org/web'), ...names) }],
  });
  const cases: readonly (readonly [string, string, Uint8Array, RawCertificateOptions])[] = [
    ['refuse a leaf with an IP address', CONSTRAINED, ip, san(text(0x87, '\x0a\0\0\x01'))],
    ['let a leaf without one pass', 'accepted', ip, {}],
    ['refuse a leaf with a mail address', CONSTRAINED, text(0x81, 'example.org'), san(text(0x81, 'a@b.example'))],
    ['refuse a leaf with a subject, which is a directory name', CONSTRAINED, directory, { subject: 'CN=leaf' }],
    ['refuse a leaf with a directory name as SAN', CONSTRAINED, directory, { subject: '', ...san(directory) }],
  ];
  it.each(cases)('%s, permitted and excluded', async (_what, outcome, base, leaf) => {
    expect(await outcomeWith('intermediate', raw(element(0xa0, element(0x30, base))), leaf)).toBe(outcome);
    expect(await outcomeWith('intermediate', raw(element(0xa1, element(0x30, base))), leaf)).toBe(outcome);
  });

  it('let a leaf without subject pass when they are for directory names', async () => {
    const root = await issueRoot(raw(element(0xa0, element(0x30, directory))));
    const leaf = await issueLeaf(root, { subject: '' });
    expect(outcomeOf(() => verify([leaf], trusting(root)))).toBe('accepted');
  });
});

describe('constraints that are malformed spoil the certificate that has them:', () => {
  const permitted = (...subtree: readonly Uint8Array[]): Uint8Array => element(0xa0, element(0x30, ...subtree));
  const host = text(0x86, 'example.org');
  it.each([
    ['none', raw()],
    ['an empty list of permitted names', raw(element(0xa0))],
    ['an empty list of excluded names', raw(element(0xa0, element(0x30, host)), element(0xa1))],
    ['a name without its sequence', raw(element(0xa0, host))],
    ['a name in a set', raw(element(0xa0, element(0x31, host)))],
    ['an empty subtree', raw(permitted())],
    ['a minimum', raw(permitted(host, text(0x80, '\x01')))],
    ['a maximum', raw(permitted(host, text(0x81, '\x01')))],
    ['excluded before permitted', raw(element(0xa1, element(0x30, host)), permitted(host))],
    ['a URI in the constructed form', raw(element(0xa1, element(0x30, element(0xa6, text(0x16, 'example.org')))))],
    ['a URI with a scheme, which would exclude nothing', raw(element(0xa1, element(0x30, text(0x86, 'spiffe://example.org'))))],
    ['a URI with a path', raw(element(0xa1, element(0x30, text(0x86, 'example.org/web'))))],
    ['an empty URI, which would exclude nothing', raw(element(0xa1, element(0x30, text(0x86, ''))))],
    ['a name with a NUL', raw(permitted(text(0x82, 'example.org\0')))],
  ])('%s', async (_what, options) => {
    expect(await outcomeWith('intermediate', options)).toBe('ERR_PEER_CERTIFICATE_INVALID');
    // In a bundle it is left out, and then verifies nobody.
    expect(await outcomeWith('root', options)).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });
});

describe('constraints of a root', () => {
  it('hold for the intermediate too', async () => {
    const root = await issueRoot({ nameConstraints: { permittedUris: ['example.org'] } });
    const ca = await issueCa(root, { uris: ['spiffe://other.example'] });
    const leaf = await issueLeaf(ca);
    expect(outcomeOf(() => verify([leaf, ca], trusting(root)))).toBe(CONSTRAINED);
  });

  it('pass over an intermediate that is self-issued, and still hold for the leaf (RFC 5280 6.1.3)', async () => {
    const root = await issueRoot({ nameConstraints: { permittedUris: ['example.org'] } });
    const next = await issueCa(root, { subject: root.subject, uris: ['spiffe://other.example'] });
    const [good, bad] = [await issueLeaf(next), await issueLeaf(next, { uris: ['spiffe://other.example/web'] })];
    const bundles = new X509BundleSet([bundleOf('example.org', root), bundleOf('other.example', root)]);
    expect(outcomeOf(() => verify([good, next], bundles))).toBe('accepted');
    expect(outcomeOf(() => verify([bad, next], bundles))).toBe(CONSTRAINED);
  });

  it('are not those of its cross-signed twin: one good path is enough', async () => {
    const strict = await issueRoot({ subject: 'CN=strict', nameConstraints: { permittedUris: ['other.example'] } });
    const root = await issueRoot();
    const ca = await issueCa(root);
    const twin = await crossSign(ca, strict);
    const leaf = await issueLeaf(ca);
    expect(outcomeOf(() => verify([leaf, twin, ca], trusting(strict, root)))).toBe('accepted');
    expect(outcomeOf(() => verify([leaf, twin], trusting(strict, root)))).toBe(CONSTRAINED);
  });
});

describe('the work that constraints make', () => {
  const names = (count: number): string[] => Array.from({ length: count }, () => 'a');

  it('is bounded: the product of two long lists is refused, not computed', async () => {
    const root = await issueRoot({ nameConstraints: { excludedDnsNames: names(6000) } });
    const leaf = await issueLeaf(root, { dnsNames: names(9000).map(() => 'b') });
    expect(costOf(() => expect(outcomeOf(() => verify([leaf], trusting(root)))).toBe(CONSTRAINED))).toBeLessThan(500);
  });

  it(`is done up to ${MAX_NAME_COMPARISONS} comparisons`, () => {
    const constraints = (count: number) => ({
      permitted: { uris: [], dnsNames: [], others: new Set<number>() },
      excluded: { uris: names(count), dnsNames: [], others: new Set<number>() },
    });
    const held = { uris: ['spiffe://b/web'], dnsNames: [], otherNames: new Set<number>(), subjectEmpty: true };
    expect(satisfiesNameConstraints(constraints(MAX_NAME_COMPARISONS), held)).toBe(true);
    expect(satisfiesNameConstraints(constraints(MAX_NAME_COMPARISONS + 1), held)).toBe(false);
  });
});

it('a URI whose host cannot be compared is not shown to be allowed', () => {
  const constraints = {
    permitted: { uris: [], dnsNames: [], others: new Set<number>() },
    excluded: { uris: ['evil.example'], dnsNames: [], others: new Set<number>() },
  };
  for (const uri of [
    'urn:x',
    'spiffe:///web',
    'https://user@evil.example/',
    'https://evil.example:1/',
    'https://[::1]/',
    'https://evil.example\\/',
  ]) {
    expect(satisfiesNameConstraints(constraints, { uris: [uri], dnsNames: [], otherNames: new Set(), subjectEmpty: true })).toBe(false);
  }
});

it('an authority that is constrained still parses', async () => {
  const root = await issueRoot({ nameConstraints: { permittedUris: ['example.org'], excludedDnsNames: ['evil.example'] } });
  expect(Certificate.parse(root.der).extensions.nameConstraints).toMatchObject({
    permitted: { uris: ['example.org'] },
    excluded: { dnsNames: ['evil.example'] },
  });
});
