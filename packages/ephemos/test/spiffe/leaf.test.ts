// Every rule of X509-SVID and SPIFFE-ID that a validator holds a leaf against, each broken once.
import { createTestAuthority, type RawCertificateOptions } from '@ephemos/dev';
import { X509BundleSet } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { bundleOf, ID, issueCa, issueLeaf, issueRoot, outcomeOf, refusalOf, trusting, verify } from './certificates.ts';
import { element, text } from './der-tree.ts';

const root = await issueRoot();
const bundles = trusting(root);

async function outcomeWith(options: RawCertificateOptions): Promise<string> {
  const leaf = await issueLeaf(root, options);
  return outcomeOf(() => verify([leaf], bundles));
}

describe('a leaf is accepted', () => {
  const good: readonly (readonly [string, RawCertificateOptions])[] = [
    ['with one URI SAN', {}],
    ['with DNS names besides it (X509-SVID 2)', { dnsNames: ['web.example.org', 'evil.example'] }],
    ['without a subject, when the SAN is critical (X509-SVID 3.1)', { subject: '' }],
    ['without basic constraints, which then say no CA (X509-SVID 4.1)', { basicConstraints: 'absent' }],
    [
      'with keyEncipherment and keyAgreement (X509-SVID 4.3)',
      { keyUsage: { usages: ['digitalSignature', 'keyEncipherment', 'keyAgreement'] } },
    ],
    ['without an extended key usage (X509-SVID 4.4)', { extendedKeyUsage: 'absent' }],
    ['with a critical extended key usage (X509-SVID 4.4)', { extendedKeyUsage: { usages: ['serverAuth', 'clientAuth'], critical: true } }],
    ['with a third extended key usage', { extendedKeyUsage: { usages: ['1.3.6.1.5.5.7.3.3', 'clientAuth', 'serverAuth'] } }],
    ['with an extension that is unknown and not critical', { extraExtensions: [{ oid: '1.2.3.4', der: element(5) }] }],
    ['without key identifiers', { subjectKeyIdentifier: 'absent', authorityKeyIdentifier: 'absent' }],
    ['with a key identifier that points elsewhere: the signature decides', { authorityKeyIdentifier: Uint8Array.of(1, 2, 3) }],
    ['with an ID of 2048 bytes (SPIFFE-ID 2.3)', { uris: ['spiffe://example.org/'.padEnd(2048, 'a')] }],
  ];
  it.each(good)('%s', async (_what, options) => {
    expect(await outcomeWith(options)).toBe('accepted');
  });
});

describe('a leaf is refused', () => {
  const bad: readonly (readonly [string, string, RawCertificateOptions])[] = [
    ['without a SAN (X509-SVID 2)', 'ERR_PEER_ID_MISSING', { uris: [] }],
    ['with DNS names alone (X509-SVID 2)', 'ERR_PEER_ID_MISSING', { uris: [], dnsNames: ['web.example.org'] }],
    ['with two SPIFFE IDs (X509-SVID 2)', 'ERR_PEER_ID_MULTIPLE', { uris: [ID, 'spiffe://example.org/admin'] }],
    ['with one SPIFFE ID twice (X509-SVID 2)', 'ERR_PEER_ID_MULTIPLE', { uris: [ID, ID] }],
    ['with a URI SAN of another scheme besides its ID (X509-SVID 2)', 'ERR_PEER_ID_MULTIPLE', { uris: [ID, 'https://example.org/'] }],
    ['with a URI SAN of another scheme before its ID (X509-SVID 2)', 'ERR_PEER_ID_MULTIPLE', { uris: ['urn:x', ID] }],
    ['with a URI SAN of another scheme alone (X509-SVID 5.2)', 'ERR_PEER_ID_INVALID', { uris: ['https://example.org/web'] }],
    ['with an empty URI SAN', 'ERR_PEER_ID_INVALID', { uris: [''] }],
    ['with the ID of its trust domain: no path (X509-SVID 3.1, 5.2)', 'ERR_PEER_ID_INVALID', { uris: ['spiffe://example.org'] }],
    ['with a root path (X509-SVID 5.2)', 'ERR_PEER_ID_INVALID', { uris: ['spiffe://example.org/'] }],
    ['with the CA flag (X509-SVID 4.1)', 'ERR_PEER_LEAF_IS_CA', { basicConstraints: { ca: true } }],
    ['with the CA flag not critical (X509-SVID 4.1)', 'ERR_PEER_LEAF_IS_CA', { basicConstraints: { ca: true, critical: false } }],
    ['without a key usage (X509-SVID 4.3)', 'ERR_PEER_KEY_USAGE_INVALID', { keyUsage: 'absent' }],
    [
      'with a key usage that is not critical (X509-SVID 4.3)',
      'ERR_PEER_KEY_USAGE_INVALID',
      { keyUsage: { usages: ['digitalSignature'], critical: false } },
    ],
    ['without digitalSignature (X509-SVID 4.3)', 'ERR_PEER_KEY_USAGE_INVALID', { keyUsage: { usages: ['keyAgreement'] } }],
    ['with an empty key usage (X509-SVID 4.3)', 'ERR_PEER_KEY_USAGE_INVALID', { keyUsage: { usages: [] } }],
    ['with keyCertSign (X509-SVID 4.3, 5.2)', 'ERR_PEER_KEY_USAGE_INVALID', { keyUsage: { usages: ['digitalSignature', 'keyCertSign'] } }],
    ['with cRLSign (X509-SVID 4.3, 5.2)', 'ERR_PEER_KEY_USAGE_INVALID', { keyUsage: { usages: ['digitalSignature', 'cRLSign'] } }],
    ['for servers alone (X509-SVID 4.4)', 'ERR_PEER_EXTENDED_KEY_USAGE_INVALID', { extendedKeyUsage: { usages: ['serverAuth'] } }],
    ['for clients alone (X509-SVID 4.4)', 'ERR_PEER_EXTENDED_KEY_USAGE_INVALID', { extendedKeyUsage: { usages: ['clientAuth'] } }],
    [
      'for any purpose, which is neither of the two (X509-SVID 4.4)',
      'ERR_PEER_EXTENDED_KEY_USAGE_INVALID',
      { extendedKeyUsage: { usages: ['2.5.29.37.0'] } },
    ],
    ['for code signing (X509-SVID 4.4)', 'ERR_PEER_EXTENDED_KEY_USAGE_INVALID', { extendedKeyUsage: { usages: ['1.3.6.1.5.5.7.3.3'] } }],
    [
      'with a critical extension that is unknown (RFC 5280 4.2)',
      'ERR_PEER_EXTENSION_UNSUPPORTED',
      { extraExtensions: [{ oid: '1.2.3.4', critical: true, der: element(5) }] },
    ],
    [
      'with a second SAN extension',
      'ERR_PEER_CERTIFICATE_INVALID',
      { extraExtensions: [{ oid: '2.5.29.17', der: element(0x30, text(0x86, 'spiffe://example.org/admin')) }] },
    ],
    ['of a trust domain without a bundle', 'ERR_PEER_TRUST_DOMAIN_UNKNOWN', { uris: ['spiffe://other.example/web'] }],
    ['of a trust domain below ours', 'ERR_PEER_TRUST_DOMAIN_UNKNOWN', { uris: ['spiffe://sub.example.org/web'] }],
  ];
  it.each(bad)('%s', async (_what, code, options) => {
    expect(await outcomeWith(options)).toBe(code);
  });
});

describe('a leaf is refused with path tricks in its ID:', () => {
  it.each([
    'spiffe://example.org/a/../web',
    'spiffe://example.org/../example.org/web',
    'spiffe://example.org/./web',
    'spiffe://example.org/%77eb',
    'spiffe://example.org/a/%2e%2e/web',
    'spiffe://example.org//web',
    'spiffe://example.org/web/',
    'spiffe://example.org/web?x',
    'spiffe://example.org/web#x',
    'SPIFFE://example.org/web',
    'spiffe://EXAMPLE.org/web',
    'spiffe://user@example.org/web',
    'spiffe://example.org:8443/web',
    'spiffe://example.org\\@evil/web',
    'spiffe://example.org /web',
    ' spiffe://example.org/web',
    'spiffe://example.org/'.padEnd(2049, 'a'),
  ])('%s', async (uri) => {
    expect(await outcomeWith({ uris: [uri] })).toBe('ERR_PEER_ID_INVALID');
  });

  it.each([
    'spiffe://example.org/web\0',
    'spiffe://example.org/web\0/admin',
    'spiffe://example.org/w\u00e9b',
    'spiffe://example.org/web\n',
  ])('%j, which is not even text of X.509', async (uri) => {
    expect(await outcomeWith({ uris: [uri] })).toBe('ERR_PEER_CERTIFICATE_INVALID');
  });
});

describe('a signing certificate never authenticates (X509-SVID 3.2)', () => {
  it('whatever its ID', async () => {
    const ca = await issueCa(root, { uris: ['spiffe://example.org'] });
    expect(outcomeOf(() => verify([ca], bundles))).toBe('ERR_PEER_LEAF_IS_CA');
    expect(outcomeOf(() => verify([root], bundles))).toBe('ERR_PEER_LEAF_IS_CA');
  });
});

describe('a trust domain vouches for itself alone (SPIFFE-ID 3.1)', () => {
  it('whatever else is federated, in both orders', async () => {
    const foreign = createTestAuthority('other.example');
    const forged = await foreign.issueCertificate({ uris: [ID] });
    const own = await foreign.issueCertificate({ uris: ['spiffe://other.example/web'] });
    const both = [bundleOf('example.org', root), await foreign.bundle()];
    for (const order of [both, both.toReversed()]) {
      const set = new X509BundleSet(order);
      expect(outcomeOf(() => verify([forged], set))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
      expect(verify([own], set).id.toString()).toBe('spiffe://other.example/web');
    }
  });
});

describe('verifyPeer', () => {
  it('gives the peer as it was verified, frozen', async () => {
    const ca = await issueCa(root, { notAfter: new Date(Date.now() + 60_000) });
    const leaf = await issueLeaf(ca);
    const peer = verify([leaf, ca], bundles);
    expect(peer.id.toString()).toBe(ID);
    expect(peer.chain).toEqual([leaf.der, ca.der]);
    expect(Buffer.compare(peer.authority, root.der)).toBe(0);
    expect(peer.expiresAt).toBeLessThan(peer.notAfter);
    expect([Object.isFrozen(peer), Object.isFrozen(peer.chain)]).toEqual([true, true]);
  });

  it('refuses no certificate, and bytes that are none', async () => {
    expect(outcomeOf(() => verify([], bundles))).toBe('ERR_PEER_CERTIFICATE_MISSING');
    expect(outcomeOf(() => verify([{ der: new Uint8Array() }], bundles))).toBe('ERR_PEER_CERTIFICATE_INVALID');
    const leaf = await issueLeaf(root);
    expect(outcomeOf(() => verify([leaf, { der: Uint8Array.of(0x30, 0) }], bundles))).toBe('ERR_PEER_CERTIFICATE_INVALID');
  });

  it('refuses everybody at a time that is no time', async () => {
    const leaf = await issueLeaf(root);
    expect(outcomeOf(() => verify([leaf], bundles, new Date(Number.NaN)))).toMatch(/^ERR_PEER_/);
  });

  it('says in the hint how to meet a trust domain that is unknown', async () => {
    const leaf = await issueLeaf(root, { uris: ['spiffe://other.example/web'] });
    expect(refusalOf(() => verify([leaf], bundles)).hint).toContain('other.example');
  });
});
