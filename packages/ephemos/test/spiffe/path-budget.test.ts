// What a peer can make us spend: the bounds of the search stop it, and good peers stay within them.
import { generateKeyPairSync } from 'node:crypto';
import { generateCertificateKey, type IssuedCertificate } from '@ephemos/dev';
import { Certificate } from 'ephemos/spiffe';
import { describe, expect, it, vi } from 'vitest';
import { findPath, MAX_PATH_CERTIFICATES, MAX_PATH_STEPS, MAX_SIGNATURE_CHECKS } from '../../src/spiffe/path.ts';
import { MAX_AUTHORITIES } from '../../src/spiffe/x509-bundle.ts';
import { costOf, crossSign, issueCa, issueLeaf, issueRoot, outcomeOf, trusting, verify } from './certificates.ts';
import { childAt, replace, resigned, TBS } from './der-tree.ts';

const TOO_COSTLY = 'ERR_PEER_CHAIN_TOO_LONG';

async function times<T>(count: number, make: (index: number) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => make(index)));
}

/** How many signatures a call checks. */
function signatureChecksOf(call: () => unknown): number {
  const spy = vi.spyOn(Certificate.prototype, 'isSignedBy');
  try {
    call();
    return spy.mock.calls.length;
  } finally {
    spy.mockRestore();
  }
}

describe('the search stops', () => {
  it(`after ${MAX_SIGNATURE_CHECKS} signatures, whoever is named as issuer`, async () => {
    const root = await issueRoot();
    const leaf = await issueLeaf(root);
    // Fifteen CAs of the right name and the wrong key are sent along, ten more are in the bundle; the right one is nowhere.
    const pretenders = await times(15, () => issueRoot({ subject: root.subject }));
    const presented = [leaf, ...pretenders];
    const strangers = await times(10, () => issueRoot({ subject: root.subject }));
    expect(outcomeOf(() => verify(presented, trusting(...strangers)))).toBe(TOO_COSTLY);
    expect(signatureChecksOf(() => outcomeOf(() => verify(presented, trusting(...strangers))))).toBe(MAX_SIGNATURE_CHECKS);
  });

  it('in a clique of CAs that all signed each other', async () => {
    const [anchor, first] = [await issueRoot({ subject: 'CN=anchor' }), await issueRoot({ subject: 'CN=clique' })];
    const keys = await times(4, () => generateCertificateKey());
    // One name for all, so that each is a candidate issuer of each: 4 keys, signed by 4 keys, is more paths than can be walked.
    const owners = keys.map((key): IssuedCertificate => ({ ...first, key }));
    const clique = (await Promise.all(owners.flatMap((ca) => owners.map((issuer) => crossSign(ca, issuer))))).slice(0, 15);
    const [signer = first] = owners;
    const leaf = await issueLeaf(signer);
    expect(outcomeOf(() => verify([leaf, ...clique], trusting(anchor)))).toBe(TOO_COSTLY);
    expect(signatureChecksOf(() => outcomeOf(() => verify([leaf, ...clique], trusting(anchor))))).toBe(MAX_SIGNATURE_CHECKS);
  });

  it(`after ${MAX_PATH_STEPS} candidates when every signature is known already`, async () => {
    const first = await issueRoot({ subject: 'CN=clique' });
    const cas = await times(8, async () => ({ ...first, key: await generateCertificateKey() }));
    const presented = (await Promise.all(cas.map((ca, index) => crossSign(ca, cas[(index + 1) % cas.length] ?? ca)))).map(({ der }) =>
      Certificate.parse(der),
    );
    const leaf = Certificate.parse((await issueLeaf(cas[0] ?? first)).der);
    const everything = new WeakSet<Certificate>(presented);
    const known = new WeakMap([leaf, ...presented].map((child) => [child, everything]));
    const anchor = Certificate.parse((await issueRoot({ subject: 'CN=anchor' })).der);
    const spy = vi.spyOn(Certificate.prototype, 'isSignedBy');
    expect(outcomeOf(() => findPath({ leaf, presented, authorities: [anchor], now: Date.now(), known }))).toBe(TOO_COSTLY);
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  });

  it('in a loop of two CAs that signed each other', async () => {
    const a = await issueRoot({ subject: 'CN=a' });
    const b = await issueRoot({ subject: 'CN=b' });
    const [aByB, bByA] = [await crossSign(a, b), await crossSign(b, a)];
    const leaf = await issueLeaf(a);
    const bundles = trusting(await issueRoot({ subject: 'CN=c' }));
    expect(outcomeOf(() => verify([leaf, aByB, bByA], bundles))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });

  it('within 250 ms of processor time for the dearest keys there are', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
    const pretenders = await times(15, async (index) => {
      const plain = await issueRoot({ serial: `0${index.toString(16)}` });
      return { der: resigned(plain.der, { pkcs8 }, (tbs) => replace(childAt(tbs, TBS.spki), spki)) };
    });
    const leaf = await issueLeaf(await issueRoot());
    const bundles = trusting(await issueRoot());
    const cost = costOf(() => expect(outcomeOf(() => verify([leaf, ...pretenders], bundles))).toMatch(/^ERR_PEER_/));
    expect(cost).toBeLessThan(250);
  });
});

describe('a good peer stays within the bounds', () => {
  it(`with an authority at the end of a bundle of ${MAX_AUTHORITIES}`, async () => {
    const roots = await times(50, (index) => issueRoot({ subject: `CN=root ${index}` }));
    const filler = Array.from({ length: MAX_AUTHORITIES - 1 }, (_, index) => roots[index % 49] ?? roots[0]).filter(
      (root) => root !== undefined,
    );
    const right = roots[49];
    if (right === undefined) throw new Error('fifty roots');
    const ca = await issueCa(right);
    const leaf = await issueLeaf(ca);
    const bundles = trusting(...filler, right);
    expect(signatureChecksOf(() => expect(outcomeOf(() => verify([leaf, ca], bundles))).toBe('accepted'))).toBe(2);
  });

  it('among fifty authorities of one name: the key identifier says which to try first', async () => {
    const roots = await times(50, () => issueRoot());
    const right = roots[49];
    if (right === undefined) throw new Error('fifty roots');
    const leaf = await issueLeaf(right);
    expect(signatureChecksOf(() => expect(outcomeOf(() => verify([leaf], trusting(...roots)))).toBe('accepted'))).toBe(1);
  });

  it('when its intermediate has the name of its root', async () => {
    const roots = await times(20, () => issueRoot());
    const [root] = roots;
    if (root === undefined) throw new Error('twenty roots');
    const ca = await issueCa(root, { subject: root.subject });
    const leaf = await issueLeaf(ca);
    expect(signatureChecksOf(() => expect(outcomeOf(() => verify([leaf, ca], trusting(...roots)))).toBe('accepted'))).toBe(2);
  });

  it('without key identifiers, as long as there are few of its name', async () => {
    const roots = await times(15, () => issueRoot({ subjectKeyIdentifier: 'absent', authorityKeyIdentifier: 'absent' }));
    const right = roots[14];
    if (right === undefined) throw new Error('fifteen roots');
    const leaf = await issueLeaf(right);
    expect(outcomeOf(() => verify([leaf], trusting(...roots)))).toBe('accepted');
  });
});

it('the bounds are those that the documentation names', () => {
  expect([MAX_PATH_CERTIFICATES, MAX_SIGNATURE_CHECKS, MAX_PATH_STEPS]).toEqual([10, 16, 128]);
});
