import { X509Certificate } from 'node:crypto';
import { Certificate } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { MAX_CERTIFICATE_BYTES, splitCertificates } from '../../src/spiffe/certificate.ts';
import { issueLeaf, issueRoot, refusalOf } from './certificates.ts';
import { childAt, childrenOf, type DerNode, decodeTree, edited, element, encodeTree, replace, TBS, text } from './der-tree.ts';

const root = await issueRoot();
const { der } = await issueLeaf(root, { dnsNames: ['web.example.org'] });

function refuses(bytes: Uint8Array): void {
  expect(refusalOf(() => Certificate.parse(bytes)).code).toBe('ERR_CERTIFICATE_INVALID');
}

describe('Certificate reads', () => {
  it('what node:crypto reads', () => {
    const [ours, node] = [Certificate.parse(der), new X509Certificate(der)];
    expect([ours.notBefore, ours.notAfter]).toEqual([Date.parse(node.validFrom), Date.parse(node.validTo)]);
    expect(ours.publicKey.equals(node.publicKey)).toBe(true);
    expect(ours.extensions.uris).toEqual(['spiffe://example.org/web']);
    expect(ours.extensions.dnsNames).toEqual(['web.example.org']);
    expect(ours.keyFamily).toBe('ec');
  });

  it('the issuer and subject as bytes that compare', () => {
    const [leaf, authority] = [Certificate.parse(der), Certificate.parse(root.der)];
    expect(Buffer.compare(leaf.issuer, authority.subject)).toBe(0);
    expect([leaf.subjectEmpty, authority.subjectEmpty]).toEqual([false, false]);
    expect(Certificate.parse(edited(der, (tbs) => replace(childAt(tbs, TBS.subject), element(0x30)))).subjectEmpty).toBe(true);
  });

  it('the unique identifiers of old certificates over', () => {
    const old = edited(der, (tbs) =>
      childrenOf(tbs).splice(
        TBS.extensions,
        0,
        decodeTree(element(0x81, Uint8Array.of(0, 1))),
        decodeTree(element(0x82, Uint8Array.of(0, 1))),
      ),
    );
    expect(Certificate.parse(old).extensions.uris).toHaveLength(1);
  });

  it('a certificate without extensions, which is then good for nothing', () => {
    const bare = Certificate.parse(edited(der, (tbs) => void childrenOf(tbs).pop()));
    expect([bare.extensions.uris, bare.extensions.isCa, bare.extensions.keyUsage]).toEqual([[], false, undefined]);
  });

  it('who signed it', async () => {
    const [leaf, authority, other] = [Certificate.parse(der), Certificate.parse(root.der), Certificate.parse((await issueRoot()).der)];
    expect([leaf.isSignedBy(authority), leaf.isSignedBy(other), authority.isSignedBy(authority)]).toEqual([true, false, true]);
    expect(leaf.equals(Certificate.parse(Uint8Array.from(der)))).toBe(true);
    expect(leaf.equals(authority)).toBe(false);
  });
});

describe('Certificate refuses', () => {
  it('every truncation', () => {
    for (let length = 0; length < der.length; length++) refuses(der.subarray(0, length));
  });

  it('bytes after its end', () => {
    refuses(Buffer.concat([der, Uint8Array.of(0)]));
  });

  it(`more than ${MAX_CERTIFICATE_BYTES} bytes`, () => {
    refuses(element(0x30, new Uint8Array(MAX_CERTIFICATE_BYTES)));
  });

  const edits: readonly (readonly [string, (tbs: DerNode, whole: DerNode) => void])[] = [
    ['version 1, written out', (tbs) => replace(childAt(tbs, TBS.version), element(0xa0, element(2, Uint8Array.of(0))))],
    ['version 1, left out', (tbs) => void childrenOf(tbs).shift()],
    ['version 2', (tbs) => replace(childAt(tbs, TBS.version), element(0xa0, element(2, Uint8Array.of(1))))],
    ['version 4', (tbs) => replace(childAt(tbs, TBS.version), element(0xa0, element(2, Uint8Array.of(3))))],
    ['a version of two bytes', (tbs) => replace(childAt(tbs, TBS.version), element(0xa0, element(2, Uint8Array.of(2, 0))))],
    ['two versions', (tbs) => childrenOf(childAt(tbs, TBS.version)).push(decodeTree(element(2, Uint8Array.of(2))))],
    ['a serial number that is no number', (tbs) => replace(childAt(tbs, TBS.serial), text(0x0c, '1'))],
    ['a serial number with a zero too many', (tbs) => replace(childAt(tbs, TBS.serial), element(2, Uint8Array.of(0, 1)))],
    ['no issuer', (tbs) => void childrenOf(tbs).splice(TBS.issuer, 1)],
    ['no validity', (tbs) => void childrenOf(tbs).splice(TBS.validity, 1)],
    ['a validity of three times', (tbs) => childrenOf(childAt(tbs, TBS.validity)).push(decodeTree(text(0x17, '300101000000Z')))],
    ['a validity of one time', (tbs) => void childrenOf(childAt(tbs, TBS.validity)).pop()],
    ['no key', (tbs) => void childrenOf(tbs).splice(TBS.spki, 1)],
    ['extensions twice', (tbs) => childrenOf(tbs).push(childAt(tbs, TBS.extensions))],
    ['a field of its own at the end', (tbs) => childrenOf(tbs).push(decodeTree(element(0x84)))],
    [
      'unique identifiers in the wrong order',
      (tbs) =>
        childrenOf(tbs).splice(TBS.extensions, 0, decodeTree(element(0x82, Uint8Array.of(0))), decodeTree(element(0x81, Uint8Array.of(0)))),
    ],
    [
      'two different signature algorithms (RFC 5280 4.1.1.2)',
      (_tbs, whole) => replace(childAt(whole, 1), element(0x30, element(6, Buffer.from('2a8648ce3d040303', 'hex')))),
    ],
    ['signature algorithms that differ in their parameters', (_tbs, whole) => childrenOf(childAt(whole, 1)).push(decodeTree(element(5)))],
    ['a fourth part', (_tbs, whole) => childrenOf(whole).push(decodeTree(element(5)))],
    ['no signature', (_tbs, whole) => void childrenOf(whole).pop()],
    ['a signature that is not whole bytes', (_tbs, whole) => replace(childAt(whole, 2), element(3, Uint8Array.of(1, 2)))],
  ];
  it.each(edits)('%s', (_what, edit) => {
    refuses(edited(der, edit));
  });
});

describe('splitCertificates', () => {
  it('takes a row apart, and nothing is an empty row', () => {
    expect(splitCertificates(Buffer.concat([der, root.der]), 2).map((part) => Buffer.compare(part, der) === 0)).toEqual([true, false]);
    expect(splitCertificates(new Uint8Array(), 2)).toEqual([]);
  });

  it.each([
    ['a row that is cut off', Buffer.concat([der, root.der.subarray(0, -1)])],
    ['bytes that are no certificate behind one', Buffer.concat([der, Uint8Array.of(0, 0)])],
    ['PEM', Buffer.from('-----BEGIN CERTIFICATE-----\n')],
    ['more certificates than allowed', Buffer.concat([der, der, der])],
  ])('refuses %s', (_what, bytes) => {
    expect(refusalOf(() => splitCertificates(bytes, 2)).code).toBe('ERR_CERTIFICATE_INVALID');
  });
});

it('the tree of these tests writes back what it read', () => {
  expect(Buffer.compare(encodeTree(decodeTree(der)), der)).toBe(0);
});
