// Path building: which chains lead to an authority, in whatever order and company their certificates come.
import type { IssuedCertificate, RawCertificateOptions } from '@ephemos/dev';
import { X509BundleSet } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { MAX_PATH_CERTIFICATES } from '../../src/spiffe/path.ts';
import { MAX_CHAIN_CERTIFICATES } from '../../src/spiffe/x509-svid.ts';
import { bundleOf, crossSign, ID, issueCa, issueLeaf, issueRoot, outcomeOf, trusting, verify } from './certificates.ts';
import { element } from './der-tree.ts';

const UNKNOWN = 'ERR_PEER_AUTHORITY_UNKNOWN';

/** CAs below each other, the root first. */
async function ladder(length: number, options: (index: number) => RawCertificateOptions = () => ({})): Promise<IssuedCertificate[]> {
  const cas = [await issueRoot(options(0))];
  for (let index = 1; index < length; index++) {
    const above = cas[index - 1];
    if (above !== undefined) cas.push(await issueCa(above, { subject: `CN=ca ${index}`, ...options(index) }));
  }
  return cas;
}

/** The outcome for a leaf below the last of them, presented leaf first and without the root. */
async function outcomeBelow(cas: readonly IssuedCertificate[], leafOptions: RawCertificateOptions = {}): Promise<string> {
  const [root, last] = [cas[0], cas.at(-1)];
  if (root === undefined || last === undefined) throw new Error('a ladder has a root');
  const leaf = await issueLeaf(last, leafOptions);
  return outcomeOf(() => verify([leaf, ...cas.slice(1).reverse()], trusting(root)));
}

describe('a path is found', () => {
  it('to the root that signed the leaf, with the root sent along or not', async () => {
    const root = await issueRoot();
    const leaf = await issueLeaf(root);
    expect(outcomeOf(() => verify([leaf], trusting(root)))).toBe('accepted');
    expect(outcomeOf(() => verify([leaf, root], trusting(root)))).toBe('accepted');
  });

  it('through intermediates in the wrong order, sent twice and among certificates of others', async () => {
    const cas = await ladder(4);
    const [root, a, b, c] = cas;
    if (root === undefined || a === undefined || b === undefined || c === undefined) throw new Error('a ladder of four');
    const leaf = await issueLeaf(c);
    const stranger = await issueRoot({ subject: 'CN=stranger' });
    const junk = [stranger, await issueCa(stranger), await issueLeaf(stranger)];
    for (const chain of [
      [a, b, c],
      [b, a, c],
      [c, c, b, b, a, a],
      [...junk, a, b, c],
      [leaf, a, root, b, c, ...junk],
    ]) {
      expect(outcomeOf(() => verify([leaf, ...chain], trusting(root)))).toBe('accepted');
    }
    expect(outcomeOf(() => verify([leaf, a, c], trusting(root)))).toBe(UNKNOWN);
  });

  it('to an authority that is not self-signed', async () => {
    const root = await issueRoot();
    const ca = await issueCa(root);
    const leaf = await issueLeaf(ca);
    expect(outcomeOf(() => verify([leaf], trusting(ca)))).toBe('accepted');
    expect(outcomeOf(() => verify([leaf, ca], trusting(ca)))).toBe('accepted');
  });

  it('to a root that was issued again for the same key, when only the new one is in the bundle', async () => {
    const old = await issueRoot();
    const renewed = await issueRoot({ key: old.key, serial: '02' });
    const leaf = await issueLeaf(old);
    expect(outcomeOf(() => verify([leaf], trusting(renewed)))).toBe('accepted');
    expect(outcomeOf(() => verify([leaf, old], trusting(renewed)))).toBe('accepted');
  });

  it('when names tie and keys differ, in both orders: the signature decides', async () => {
    const [old, next] = [await issueRoot(), await issueRoot()];
    const leaf = await issueLeaf(next);
    expect(outcomeOf(() => verify([leaf], trusting(old, next)))).toBe('accepted');
    expect(outcomeOf(() => verify([leaf], trusting(next, old)))).toBe('accepted');
    expect(outcomeOf(() => verify([leaf], trusting(old)))).toBe(UNKNOWN);
  });

  it('among authorities of the same name and key identifier, in both orders', async () => {
    const good = await issueRoot();
    const evil = await issueRoot({ subjectKeyIdentifier: good.subjectKeyIdentifier });
    const leaf = await issueLeaf(good);
    for (const bundles of [trusting(good, evil), trusting(evil, good)]) expect(outcomeOf(() => verify([leaf], bundles))).toBe('accepted');
  });
});

describe('a foreign root with the subject and key identifier of ours', () => {
  it('neither makes its leaves ours nor spoils our own, in both orders of the bundles', async () => {
    const good = await issueRoot();
    const evil = await issueRoot({ subjectKeyIdentifier: good.subjectKeyIdentifier });
    const ours = await issueLeaf(good);
    const forged = await issueLeaf(evil);
    const theirs = await issueLeaf(evil, { uris: ['spiffe://evil.example/web'] });
    const bundles = [bundleOf('example.org', good), bundleOf('evil.example', evil)];
    for (const set of [new X509BundleSet(bundles), new X509BundleSet(bundles.toReversed())]) {
      expect(outcomeOf(() => verify([ours], set))).toBe('accepted');
      expect(outcomeOf(() => verify([theirs], set))).toBe('accepted');
      expect(outcomeOf(() => verify([forged], set))).toBe(UNKNOWN);
      expect(outcomeOf(() => verify([forged, evil], set))).toBe(UNKNOWN);
      expect(outcomeOf(() => verify([forged, good], set))).toBe(UNKNOWN);
    }
  });
});

describe('an intermediate that was cross-signed by a foreign root', () => {
  it('leads to our root, with both certificates sent in either order and whichever root is trusted', async () => {
    const [ours, foreign] = [await issueRoot(), await issueRoot({ subject: 'CN=foreign' })];
    const ca = await issueCa(ours);
    const crossed = await crossSign(ca, foreign);
    const leaf = await issueLeaf(ca);
    const chains = [
      [leaf, ca, crossed],
      [leaf, crossed, ca],
    ];
    for (const chain of chains) {
      for (const bundles of [trusting(ours), trusting(foreign), trusting(ours, foreign), trusting(foreign, ours)]) {
        expect(outcomeOf(() => verify(chain, bundles))).toBe('accepted');
      }
    }
    expect(outcomeOf(() => verify([leaf, crossed], trusting(ours)))).toBe(UNKNOWN);
    expect(outcomeOf(() => verify([leaf, ca], trusting(foreign)))).toBe(UNKNOWN);
  });

  it('does not lead out of the trust domain of the leaf', async () => {
    const [ours, foreign] = [await issueRoot(), await issueRoot({ subject: 'CN=foreign' })];
    const theirs = await issueCa(foreign);
    const leaf = await issueLeaf(theirs);
    const set = new X509BundleSet([bundleOf('example.org', ours), bundleOf('foreign.example', foreign)]);
    expect(outcomeOf(() => verify([leaf, theirs], set))).toBe(UNKNOWN);
    // Ours to give away: only our own signature lets their CA issue our names.
    const invited = await crossSign(theirs, ours);
    expect(outcomeOf(() => verify([leaf, theirs, invited], set))).toBe('accepted');
  });
});

describe('the path length of a CA (RFC 5280 4.2.1.9)', () => {
  it.each([
    [0, 0, 'accepted'],
    [0, 1, UNKNOWN],
    [1, 1, 'accepted'],
    [1, 2, UNKNOWN],
    [2, 2, 'accepted'],
    [2, 3, UNKNOWN],
  ])('%i on the root and %i intermediates: %s', async (pathLen, intermediates, outcome) => {
    const cas = await ladder(intermediates + 1, (index) => (index === 0 ? { basicConstraints: { ca: true, pathLen } } : {}));
    expect(await outcomeBelow(cas)).toBe(outcome);
  });

  it.each([
    [0, 1, 'accepted'],
    [0, 2, UNKNOWN],
    [1, 2, 'accepted'],
  ])('%i on the first intermediate and %i intermediates: %s', async (pathLen, intermediates, outcome) => {
    const cas = await ladder(intermediates + 1, (index) => (index === 1 ? { basicConstraints: { ca: true, pathLen } } : {}));
    expect(await outcomeBelow(cas)).toBe(outcome);
  });

  it('does not count a CA that is self-issued, as one is when its key changes', async () => {
    const root = await issueRoot({ basicConstraints: { ca: true, pathLen: 0 } });
    const next = await issueCa(root, { subject: root.subject });
    const leaf = await issueLeaf(next);
    expect(outcomeOf(() => verify([leaf, next], trusting(root)))).toBe('accepted');
  });

  it('counts the others beside one that is self-issued', async () => {
    const root = await issueRoot({ basicConstraints: { ca: true, pathLen: 1 } });
    const next = await issueCa(root, { subject: root.subject });
    const [a, b] = [await issueCa(next, { subject: 'CN=a' }), await issueCa(await issueCa(next, { subject: 'CN=x' }), { subject: 'CN=b' })];
    expect(outcomeOf(() => verify([a, next], trusting(root)))).toBe('ERR_PEER_LEAF_IS_CA');
    const leaf = await issueLeaf(a);
    expect(outcomeOf(() => verify([leaf, a, next], trusting(root)))).toBe('accepted');
    const deeper = await issueLeaf(b);
    expect(outcomeOf(() => verify([deeper, b, a, next], trusting(root)))).toBe(UNKNOWN);
  });

  it('does not count a leaf that is self-issued', async () => {
    const root = await issueRoot({ basicConstraints: { ca: true, pathLen: 0 } });
    const leaf = await issueLeaf(root, { subject: root.subject });
    expect(outcomeOf(() => verify([leaf], trusting(root)))).toBe('accepted');
  });
});

describe.each(['root', 'intermediate'])('as the %s,', (place) => {
  async function outcomeWith(options: RawCertificateOptions): Promise<string> {
    return outcomeBelow(await ladder(2, (index) => (index === (place === 'root' ? 0 : 1) ? options : {})));
  }

  const cases: readonly (readonly [string, string, RawCertificateOptions])[] = [
    ['a CA without key identifiers is an authority', 'accepted', { subjectKeyIdentifier: 'absent', authorityKeyIdentifier: 'absent' }],
    ['a CA with the ID of its trust domain is an authority (X509-SVID 3.2)', 'accepted', { uris: ['spiffe://example.org'] }],
    ['a CA with the ID of another trust domain is an authority (X509-SVID 3.2)', 'accepted', { uris: ['spiffe://other.example'] }],
    ['a CA whose ID has a path is none (X509-SVID 3.2)', UNKNOWN, { uris: ['spiffe://example.org/ca'] }],
    ['a CA whose ID has a path in upper case is none', UNKNOWN, { uris: ['SPIFFE://example.org/ca'] }],
    ['a CA whose second ID has a path is none', UNKNOWN, { uris: ['spiffe://example.org', 'spiffe://example.org/ca'] }],
    ['a certificate without basic constraints is none (X509-SVID 4.1)', UNKNOWN, { basicConstraints: 'absent' }],
    ['a certificate without the CA flag is none (X509-SVID 4.1)', UNKNOWN, { basicConstraints: { ca: false } }],
    ['a CA without a key usage is none (X509-SVID 4.3)', UNKNOWN, { keyUsage: 'absent' }],
    ['a CA without keyCertSign is none (X509-SVID 4.3)', UNKNOWN, { keyUsage: { usages: ['cRLSign', 'digitalSignature'] } }],
    ['a CA without cRLSign is one (X509-SVID 4.3)', 'accepted', { keyUsage: { usages: ['keyCertSign'] } }],
    ['a CA for both purposes is one', 'accepted', { extendedKeyUsage: { usages: ['serverAuth', 'clientAuth'] } }],
    ['a CA for any purpose is one', 'accepted', { extendedKeyUsage: { usages: ['2.5.29.37.0'] } }],
    ['a CA for servers alone is none', UNKNOWN, { extendedKeyUsage: { usages: ['serverAuth'] } }],
    ['a CA for code signing alone is none', UNKNOWN, { extendedKeyUsage: { usages: ['1.3.6.1.5.5.7.3.3'] } }],
    [
      'a CA with a critical extension that is unknown is none (RFC 5280 4.2)',
      'ERR_PEER_EXTENSION_UNSUPPORTED',
      { extraExtensions: [{ oid: '1.2.3.4', critical: true, der: element(5) }] },
    ],
    ['a CA with an unknown extension that is not critical is one', 'accepted', { extraExtensions: [{ oid: '1.2.3.4', der: element(5) }] }],
    ['a CA with an RSA key of 2048 bits is one', 'accepted', { keyType: 'rsa-2048' }],
    ['a CA with an RSA key of 1024 bits is none', 'ERR_PEER_ALGORITHM_WEAK', { keyType: 'rsa-1024' }],
  ];
  it.each(cases)('%s', async (_what, outcome, options) => {
    expect(await outcomeWith(options)).toBe(outcome);
  });
});

describe('time', () => {
  // Whole seconds, the unit of X.509.
  const begin = Date.UTC(2030, 0, 1);
  const end = Date.UTC(2030, 0, 2);
  const narrow = { notBefore: new Date(begin), notAfter: new Date(end) };
  const wide = { notBefore: new Date(Date.UTC(2020, 0, 1)), notAfter: new Date(Date.UTC(2060, 0, 1)) };

  it.each(['leaf', 'intermediate', 'root'])('has borders that belong to the validity of the %s', async (place) => {
    const of = (name: string): RawCertificateOptions => (name === place ? narrow : wide);
    const root = await issueRoot(of('root'));
    const ca = await issueCa(root, of('intermediate'));
    const leaf = await issueLeaf(ca, of('leaf'));
    const at = (now: number): string => outcomeOf(() => verify([leaf, ca], trusting(root), new Date(now)));
    expect([begin - 1, begin, end, end + 1].map(at)).toEqual(['ERR_PEER_NOT_YET_VALID', 'accepted', 'accepted', 'ERR_PEER_EXPIRED']);
  });

  it('that an intermediate has left does not matter when another path is in time', async () => {
    const root = await issueRoot();
    const ca = await issueCa(root);
    const past = await issueCa(root, {
      subject: ca.subject,
      key: ca.key,
      notBefore: new Date(Date.UTC(2020, 0, 1)),
      notAfter: new Date(Date.UTC(2021, 0, 1)),
    });
    const leaf = await issueLeaf(ca);
    expect(outcomeOf(() => verify([leaf, past, ca], trusting(root)))).toBe('accepted');
    expect(outcomeOf(() => verify([leaf, past], trusting(root)))).toBe('ERR_PEER_EXPIRED');
  });

  it('that the leaf has left is said before anything else about its path', async () => {
    const root = await issueRoot();
    const leaf = await issueLeaf(await issueRoot(), {
      notBefore: new Date(Date.UTC(2020, 0, 1)),
      notAfter: new Date(Date.UTC(2021, 0, 1)),
    });
    expect(outcomeOf(() => verify([leaf], trusting(root)))).toBe('ERR_PEER_EXPIRED');
  });

  it('ends for the peer with the first certificate of its path', async () => {
    const root = await issueRoot({ notAfter: new Date(end) });
    const leaf = await issueLeaf(root, wide);
    expect(verify([leaf], trusting(root), new Date(begin)).expiresAt).toBe(end);
  });
});

describe('length', () => {
  it(`of a path is at most ${MAX_PATH_CERTIFICATES} certificates, leaf and authority included`, async () => {
    expect(await outcomeBelow(await ladder(MAX_PATH_CERTIFICATES - 1))).toBe('accepted');
    expect(await outcomeBelow(await ladder(MAX_PATH_CERTIFICATES))).toBe(UNKNOWN);
  });

  it(`of what a peer presents is at most ${MAX_CHAIN_CERTIFICATES} certificates, whatever they are`, async () => {
    const root = await issueRoot();
    const leaf = await issueLeaf(root);
    const chain = (length: number): IssuedCertificate[] => [leaf, ...Array.from({ length: length - 1 }, () => root)];
    expect(outcomeOf(() => verify(chain(MAX_CHAIN_CERTIFICATES), trusting(root)))).toBe('accepted');
    expect(outcomeOf(() => verify(chain(MAX_CHAIN_CERTIFICATES + 1), trusting(root)))).toBe('ERR_PEER_CHAIN_TOO_LONG');
  });
});

describe('nobody is let in by', () => {
  it('an empty bundle', async () => {
    const leaf = await issueLeaf(await issueRoot());
    expect(outcomeOf(() => verify([leaf], trusting()))).toBe(UNKNOWN);
  });

  it('a root of their own that they send along', async () => {
    const evil = await issueRoot();
    const leaf = await issueLeaf(evil);
    const bundles = trusting(await issueRoot());
    expect(outcomeOf(() => verify([leaf, evil], bundles))).toBe(UNKNOWN);
  });

  it('a leaf of ours that signs another', async () => {
    const root = await issueRoot();
    const ours = await issueLeaf(root, { uris: ['spiffe://example.org/low'] });
    const forged = await issueLeaf(ours, { uris: ['spiffe://example.org/admin'] });
    expect(outcomeOf(() => verify([forged, ours], trusting(root)))).toBe(UNKNOWN);
    // Not even when somebody put the leaf into the bundle.
    expect(outcomeOf(() => verify([forged], trusting(ours)))).toBe(UNKNOWN);
  });

  it('a leaf that signs itself', async () => {
    const root = await issueRoot();
    const self = await issueRoot({
      subject: root.subject,
      uris: [ID],
      basicConstraints: { ca: false },
      keyUsage: { usages: ['digitalSignature'] },
    });
    expect(outcomeOf(() => verify([self, self], trusting(root)))).toBe(UNKNOWN);
  });

  it('the name of our root without its key', async () => {
    const root = await issueRoot();
    const evil = await issueRoot({ subject: root.subject });
    const leaf = await issueLeaf(evil, { authorityKeyIdentifier: root.subjectKeyIdentifier });
    expect(outcomeOf(() => verify([leaf], trusting(root)))).toBe(UNKNOWN);
    expect(outcomeOf(() => verify([leaf, root], trusting(root)))).toBe(UNKNOWN);
  });

  it('the key of our root under another name', async () => {
    const root = await issueRoot();
    const leaf = await issueLeaf(root, { issuerName: 'CN=other' });
    expect(outcomeOf(() => verify([leaf], trusting(root)))).toBe(UNKNOWN);
  });
});
