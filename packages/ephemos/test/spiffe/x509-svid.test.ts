import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import type { IssuedCertificate, RawCertificateOptions } from '@ephemos/dev';
import { MAX_CHAIN_CERTIFICATES, MAX_HINT_BYTES, SpiffeId, X509Svid, type X509SvidInput } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { ID, issueCa, issueLeaf, issueRoot, outcomeOf, refusalOf } from './certificates.ts';

const root = await issueRoot();
const ca = await issueCa(root);
const leaf = await issueLeaf(ca);

function join(...certificates: readonly { readonly der: Uint8Array }[]): Uint8Array {
  return Buffer.concat(certificates.map(({ der }) => der));
}

function inputOf(certificate: IssuedCertificate, change: Partial<X509SvidInput> = {}): X509SvidInput {
  return { chain: join(certificate), privateKey: certificate.privateKey, ...change };
}

async function outcomeWith(options: RawCertificateOptions): Promise<string> {
  const certificate = await issueLeaf(root, options);
  return outcomeOf(() => X509Svid.parse(inputOf(certificate)));
}

const pkcs8 = (der: Uint8Array) => createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });

describe('X509Svid takes', () => {
  it('a leaf and its intermediate, with the key of the leaf', () => {
    const svid = X509Svid.parse(inputOf(leaf, { chain: join(leaf, ca), id: SpiffeId.parse(ID), hint: 'internal' }));
    expect([svid.id.toString(), svid.hint, svid.chain.length]).toEqual([ID, 'internal', 2]);
    expect(svid.notAfter).toBeGreaterThan(Date.now());
    expect(svid.privateKey.asymmetricKeyType).toBe('ec');
  });

  it.each(['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519'] as const)('a key of the kind %s', async (keyType) => {
    expect(await outcomeWith({ keyType })).toBe('accepted');
  });

  it('one that has expired: dates are for those who use it', async () => {
    expect(await outcomeWith({ notBefore: new Date(Date.UTC(2020, 0, 1)), notAfter: new Date(Date.UTC(2021, 0, 1)) })).toBe('accepted');
  });

  it(`a hint of ${MAX_HINT_BYTES} bytes and ${MAX_CHAIN_CERTIFICATES} certificates`, () => {
    const chain = join(leaf, ...Array.from({ length: MAX_CHAIN_CERTIFICATES - 1 }, () => ca));
    expect(X509Svid.parse(inputOf(leaf, { chain, hint: 'a'.repeat(MAX_HINT_BYTES) })).chain).toHaveLength(MAX_CHAIN_CERTIFICATES);
  });
});

describe('X509Svid refuses', () => {
  const cases: readonly (readonly [string, X509SvidInput])[] = [
    ['no certificate', inputOf(leaf, { chain: new Uint8Array() })],
    ['bytes that are no certificate', inputOf(leaf, { chain: Uint8Array.of(0x30, 0) })],
    ['a chain that is cut off', inputOf(leaf, { chain: join(leaf, ca).slice(0, -1) })],
    ['more than 16 certificates', inputOf(leaf, { chain: join(leaf, ...Array.from({ length: MAX_CHAIN_CERTIFICATES }, () => ca)) })],
    ['the intermediate first', inputOf(leaf, { chain: join(ca, leaf) })],
    ['another leaf as intermediate', inputOf(leaf, { chain: join(leaf, leaf) })],
    ['another ID than was announced', inputOf(leaf, { id: SpiffeId.parse('spiffe://example.org/admin') })],
    ['the key of another certificate', inputOf(leaf, { privateKey: ca.privateKey })],
    [
      'a key of another kind',
      inputOf(leaf, {
        privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'der', type: 'pkcs8' }),
      }),
    ],
    ['no key', inputOf(leaf, { privateKey: new Uint8Array() })],
    ['a key that is cut off', inputOf(leaf, { privateKey: leaf.privateKey.slice(0, -1) })],
    ['a public key', inputOf(leaf, { privateKey: generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }) })],
    ['a key as SEC1', inputOf(leaf, { privateKey: pkcs8(leaf.privateKey).export({ format: 'der', type: 'sec1' }) })],
    ['a key as PEM', inputOf(leaf, { privateKey: Buffer.from(pkcs8(leaf.privateKey).export({ format: 'pem', type: 'pkcs8' })) })],
    [
      'an encrypted key',
      inputOf(leaf, {
        privateKey: pkcs8(leaf.privateKey).export({ format: 'der', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' }),
      }),
    ],
    [`a hint of ${MAX_HINT_BYTES + 1} bytes`, inputOf(leaf, { hint: 'a'.repeat(MAX_HINT_BYTES + 1) })],
    [`a hint of ${MAX_HINT_BYTES} characters and more bytes`, inputOf(leaf, { hint: '\u00e9'.repeat(MAX_HINT_BYTES) })],
  ];
  it.each(cases)('%s', (_what, input) => {
    expect(outcomeOf(() => X509Svid.parse(input))).toBe('ERR_SVID_INVALID');
  });

  const leaves: readonly (readonly [string, RawCertificateOptions])[] = [
    ['without a URI SAN (X509-SVID 2)', { uris: [] }],
    ['with two URI SANs (X509-SVID 2)', { uris: [ID, 'urn:x'] }],
    ['with an ID that is none', { uris: ['https://example.org/web'] }],
    ['without a path in its ID (X509-SVID 3.1)', { uris: ['spiffe://example.org'] }],
    ['that is a CA (X509-SVID 4.1)', { basicConstraints: { ca: true } }],
    ['without a key usage (X509-SVID 4.3)', { keyUsage: 'absent' }],
    ['with a key usage that is not critical (X509-SVID 4.3)', { keyUsage: { usages: ['digitalSignature'], critical: false } }],
    ['that may sign certificates (X509-SVID 4.3)', { keyUsage: { usages: ['digitalSignature', 'keyCertSign'] } }],
    ['that may sign CRLs (X509-SVID 4.3)', { keyUsage: { usages: ['digitalSignature', 'cRLSign'] } }],
    ['without digitalSignature (X509-SVID 4.3)', { keyUsage: { usages: ['keyAgreement'] } }],
    ['for servers alone (X509-SVID 4.4)', { extendedKeyUsage: { usages: ['serverAuth'] } }],
  ];
  it.each(leaves)('a leaf %s', async (_what, options) => {
    expect(await outcomeWith(options)).toBe('ERR_SVID_INVALID');
  });
});

describe('X509Svid', () => {
  const svid = X509Svid.parse(inputOf(leaf, { chain: join(leaf, ca) }));

  it('shows its key to nobody who prints it', () => {
    const key = Buffer.from(leaf.privateKey);
    for (const printed of [JSON.stringify(svid), inspect(svid, { depth: 9, showHidden: true }), inspect(svid, { getters: true })]) {
      for (const encoding of ['hex', 'base64', 'base64url'] as const) expect(printed).not.toContain(key.toString(encoding));
      expect(printed).not.toContain('PRIVATE KEY');
    }
    expect(inspect(svid)).not.toContain('rivateKey');
    expect(JSON.parse(JSON.stringify(svid))).toEqual({ id: ID, hint: '', notBefore: expect.any(String), notAfter: expect.any(String) });
  });

  it('shows nothing of the key in an error about it', () => {
    const error = refusalOf(() => X509Svid.parse(inputOf(leaf, { privateKey: leaf.privateKey.slice(0, -1) })));
    expect(error.cause).toBeUndefined();
  });

  it('says which rule was broken', async () => {
    const certificate = await issueLeaf(root, { basicConstraints: { ca: true } });
    expect(refusalOf(() => X509Svid.parse(inputOf(certificate))).message).toBe(
      'the X.509-SVID breaks a rule: a CA certificate must not authenticate',
    );
  });

  it('equals one of the same chain and hint', () => {
    const same = X509Svid.parse(inputOf(leaf, { chain: join(leaf, ca) }));
    const shorter = X509Svid.parse(inputOf(leaf));
    const hinted = X509Svid.parse(inputOf(leaf, { chain: join(leaf, ca), hint: 'x' }));
    expect([svid.equals(svid), svid.equals(same), svid.equals(shorter), shorter.equals(svid), svid.equals(hinted)]).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it('is frozen and keeps its bytes when the caller changes the buffer', () => {
    const chain = Buffer.from(leaf.der);
    const own = X509Svid.parse(inputOf(leaf, { chain }));
    chain.fill(0);
    expect(Buffer.compare(own.chain[0] ?? chain, leaf.der)).toBe(0);
    expect([Object.isFrozen(own), Object.isFrozen(own.chain)]).toEqual([true, true]);
  });
});
