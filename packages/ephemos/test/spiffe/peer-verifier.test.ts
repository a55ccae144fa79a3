// The memory of the verifier: what it may remember, and what makes it forget.
import { generateCertificateKey, type IssuedCertificate } from '@ephemos/dev';
import { Certificate, TrustDomain, X509Bundle, X509BundleSet } from 'ephemos/spiffe';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createPeerVerifier, MAX_REMEMBERED_BYTES, MAX_REMEMBERED_PEERS, type PeerVerifier } from '../../src/spiffe/peer-verifier.ts';
import { bundleOf, exampleOrg, issueCa, issueLeaf, issueRoot, outcomeOf, trusting } from './certificates.ts';

const now = Date.now();

let root: IssuedCertificate;
let ca: IssuedCertificate;
let leaf: IssuedCertificate;
let bundles: X509BundleSet;
beforeAll(async () => {
  root = await issueRoot();
  ca = await issueCa(root);
  leaf = await issueLeaf(ca);
  bundles = trusting(root);
});

function verifierThatKnows(certificate: IssuedCertificate, ...others: readonly IssuedCertificate[]): PeerVerifier {
  const verifier = createPeerVerifier();
  verifier.verify(
    [certificate, ...others].map(({ der }) => der),
    bundles,
    now,
  );
  return verifier;
}

describe('a verdict is remembered', () => {
  it('by the leaf alone: the chain need not be sent again', () => {
    const verifier = verifierThatKnows(leaf, ca);
    expect(verifier.recall(leaf.der, bundles, now)?.id.toString()).toBe('spiffe://example.org/web');
    expect(verifier.verify([leaf.der], bundles, now)).toBe(verifier.recall(leaf.der, bundles, now));
  });

  it('without a signature being checked again', () => {
    const verifier = verifierThatKnows(leaf, ca);
    const spy = vi.spyOn(Certificate.prototype, 'isSignedBy');
    verifier.verify([leaf.der, ca.der], bundles, now);
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  });

  it('when another set holds the very same bundle', () => {
    const verifier = verifierThatKnows(leaf, ca);
    const grown = new X509BundleSet([...bundles, bundleOf('other.example')]);
    expect(verifier.recall(leaf.der, grown, now)).toBeDefined();
  });

  it('by one verifier and by no other', () => {
    verifierThatKnows(leaf, ca);
    expect(createPeerVerifier().recall(leaf.der, bundles, now)).toBeUndefined();
    expect(outcomeOf(() => createPeerVerifier().verify([leaf.der], bundles, now))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });
});

describe('a verdict is not recalled', () => {
  it('before there is one, and not after a refusal', async () => {
    const verifier = createPeerVerifier();
    expect(verifier.recall(leaf.der, bundles, now)).toBeUndefined();
    const stranger = await issueLeaf(await issueRoot());
    expect(outcomeOf(() => verifier.verify([stranger.der], bundles, now))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
    expect(verifier.recall(stranger.der, bundles, now)).toBeUndefined();
  });

  it('for another certificate of the same key', async () => {
    const verifier = verifierThatKnows(leaf, ca);
    const twin = await issueLeaf(ca, { key: leaf.key });
    expect(verifier.recall(twin.der, bundles, now)).toBeUndefined();
    const renamed = await issueLeaf(await issueRoot(), { key: leaf.key, uris: ['spiffe://example.org/admin'] });
    expect(outcomeOf(() => verifier.verify([renamed.der, ca.der], bundles, now))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });

  it('for bytes that differ anywhere, or are cut off', () => {
    const verifier = verifierThatKnows(leaf, ca);
    for (const index of [0, 4, 100, leaf.der.length - 1]) {
      const changed = Uint8Array.from(leaf.der);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(verifier.recall(changed, bundles, now)).toBeUndefined();
    }
    expect(verifier.recall(leaf.der.subarray(0, -1), bundles, now)).toBeUndefined();
    expect(verifier.recall(new Uint8Array(), bundles, now)).toBeUndefined();
  });

  it('once the bundle has changed, even for the same bytes in a new object', () => {
    const again = trusting(root);
    const verifier = verifierThatKnows(leaf, ca);
    expect(verifier.recall(leaf.der, again, now)).toBeUndefined();
    // And it does not come back with the old set.
    expect(verifier.recall(leaf.der, bundles, now)).toBeUndefined();
  });

  it('once the trust domain is no longer known', () => {
    const without = new X509BundleSet([bundleOf('other.example', root)]);
    const verifier = verifierThatKnows(leaf, ca);
    expect(verifier.recall(leaf.der, without, now)).toBeUndefined();
    expect(outcomeOf(() => verifier.verify([leaf.der, ca.der], without, now))).toBe('ERR_PEER_TRUST_DOMAIN_UNKNOWN');
  });

  it('once the root is gone from the bundle', async () => {
    const replaced = trusting(await issueRoot());
    const verifier = verifierThatKnows(leaf, ca);
    expect(outcomeOf(() => verifier.verify([leaf.der, ca.der], replaced, now))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });

  it.each(['leaf', 'intermediate', 'root'])('after the %s has expired or before it is valid', async (place) => {
    const [begin, end] = [Date.UTC(2030, 0, 1), Date.UTC(2030, 0, 2)];
    const life = (name: string) =>
      name === place
        ? { notBefore: new Date(begin), notAfter: new Date(end) }
        : { notBefore: new Date(Date.UTC(2020, 0, 1)), notAfter: new Date(Date.UTC(2049, 0, 1)) };
    const authority = await issueRoot(life('root'));
    const issuer = await issueCa(authority, life('intermediate'));
    const certificate = await issueLeaf(issuer, life('leaf'));
    const set = trusting(authority);
    const recalledAt = (time: number): boolean => {
      const verifier = createPeerVerifier();
      verifier.verify([certificate.der, issuer.der], set, begin);
      return verifier.recall(certificate.der, set, time) !== undefined;
    };
    expect([begin - 1, begin, end, end + 1, Number.NaN].map(recalledAt)).toEqual([false, true, true, false, false]);
  });
});

describe('memory is bounded', () => {
  it(`to ${MAX_REMEMBERED_PEERS} peers: the one verified first is forgotten first`, async () => {
    const key = await generateCertificateKey();
    const verifier = verifierThatKnows(leaf, ca);
    const leaves = await Promise.all(Array.from({ length: 3 }, () => issueLeaf(root, { key })));
    // Verdicts of made-up leaves, so that 4,096 signatures need not be made.
    const spy = vi.spyOn(Certificate.prototype, 'isSignedBy').mockReturnValue(true);
    const template = leaves[0]?.der ?? new Uint8Array();
    for (let index = 0; index < MAX_REMEMBERED_PEERS - 1; index++) {
      const der = Uint8Array.from(template);
      der.set([index >> 8, index & 0xff], der.length - 2);
      verifier.verify([der], bundles, now);
    }
    spy.mockRestore();
    expect(verifier.recall(leaf.der, bundles, now)).toBeDefined();
    verifier.verify([leaves[1]?.der ?? template], bundles, now);
    expect(verifier.recall(leaf.der, bundles, now)).toBeUndefined();
  });

  it(`to chains of ${MAX_REMEMBERED_BYTES} bytes: a larger one is verified each time`, async () => {
    const dnsNames = Array.from({ length: 1200 }, (_, index) => `name-${index}.example`);
    const large = await issueLeaf(root, { dnsNames });
    expect(large.der.length).toBeGreaterThan(MAX_REMEMBERED_BYTES);
    const verifier = createPeerVerifier();
    expect(outcomeOf(() => verifier.verify([large.der], bundles, now))).toBe('accepted');
    expect(verifier.recall(large.der, bundles, now)).toBeUndefined();
  });

  it('to verdicts that rest on the bundles in use', () => {
    const verifier = verifierThatKnows(leaf, ca);
    // Any other set makes it forget; a bundle out of use must not be held by what was verified with it.
    verifier.recall(new Uint8Array(), trusting(root), now);
    expect(verifier.recall(leaf.der, bundles, now)).toBeUndefined();
  });
});

describe('a certificate of the peer', () => {
  it('that is no authority is not taken for one because it was in a good path of another', async () => {
    const verifier = verifierThatKnows(leaf, ca);
    const forged = await issueLeaf(leaf, { uris: ['spiffe://example.org/admin'] });
    expect(outcomeOf(() => verifier.verify([forged.der, leaf.der, ca.der], bundles, now))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });

  it('that was in a good path is in date each time', async () => {
    const end = Math.ceil(now / 1000) * 1000 + 60_000;
    const short = await issueCa(root, { notAfter: new Date(end) });
    const [one, two] = [await issueLeaf(short), await issueLeaf(short)];
    const verifier = verifierThatKnows(one, short);
    expect(outcomeOf(() => verifier.verify([two.der, short.der], bundles, end + 1))).toBe('ERR_PEER_EXPIRED');
  });
});

it('a peer keeps its bytes when the caller changes the buffer of the bundle', async () => {
  const buffer = Buffer.from(root.der);
  const bundle = X509Bundle.parse(exampleOrg, buffer);
  const evil = await issueRoot();
  buffer.fill(0);
  evil.der.forEach((byte, index) => {
    if (index < buffer.length) buffer[index] = byte;
  });
  expect(outcomeOf(() => createPeerVerifier().verify([leaf.der, ca.der], new X509BundleSet([bundle]), now))).toBe('accepted');
  expect(bundle.trustDomain.equals(TrustDomain.parse('example.org'))).toBe(true);
});
