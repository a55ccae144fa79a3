// Which keys and signatures are relied on: each kind once as the key of the authority, and once as the key of the leaf.
import { constants, generateKeyPairSync, type KeyPairKeyObjectResult, type SignKeyObjectInput } from 'node:crypto';
import { Certificate } from 'ephemos/spiffe';
import { beforeAll, describe, expect, it } from 'vitest';
import { issueCa, issueLeaf, issueRoot, outcomeOf, trusting, verify } from './certificates.ts';
import { childAt, childrenOf, type DerNode, decodeTree, edited, element, objectIdentifier, replace, resigned, TBS } from './der-tree.ts';

const SHA = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1', sha384: '2.16.840.1.101.3.4.2.2' };
const none = element(5);
const root = await issueRoot();
const plainLeaf = await issueLeaf(root);

interface Kind {
  readonly keys: KeyPairKeyObjectResult;
  /** The AlgorithmIdentifier that is written. */
  readonly algorithm: Uint8Array;
  readonly digest: string | null;
  readonly parameters?: Omit<SignKeyObjectInput, 'key'>;
}

/** Gives a certificate another key and signs it with `signer`. */
function remade(der: Uint8Array, signer: Kind, publicKey?: KeyPairKeyObjectResult['publicKey']): { readonly der: Uint8Array } {
  const pkcs8 = signer.keys.privateKey.export({ format: 'der', type: 'pkcs8' });
  const { digest, parameters = {} } = signer;
  return {
    der: resigned(der, { pkcs8, digest, parameters }, (tbs, whole) => {
      if (publicKey !== undefined) replace(childAt(tbs, TBS.spki), publicKey.export({ format: 'der', type: 'spki' }));
      for (const algorithm of [childAt(tbs, TBS.algorithm), childAt(whole, 1)]) replace(algorithm, signer.algorithm);
    }),
  };
}

function algorithm(oid: string, ...parameters: readonly Uint8Array[]): Uint8Array {
  return element(0x30, objectIdentifier(oid), ...parameters);
}

function pss(hash: string, mask: string, salt: number): Uint8Array {
  const mgf = algorithm('1.2.840.113549.1.1.8', algorithm(mask, none));
  return algorithm(
    '1.2.840.113549.1.1.10',
    element(0x30, element(0xa0, algorithm(hash, none)), element(0xa1, mgf), element(0xa2, element(2, Uint8Array.of(salt)))),
  );
}

const ec = (namedCurve: string): KeyPairKeyObjectResult => generateKeyPairSync('ec', { namedCurve });
const pssSalt = (saltLength: number): Omit<SignKeyObjectInput, 'key'> => ({ padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });

let kinds: Readonly<Record<string, Kind>>;
beforeAll(() => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rsaPss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
  const p256 = ec('prime256v1');
  kinds = {
    'P-256 with SHA-256': { keys: p256, algorithm: algorithm('1.2.840.10045.4.3.2'), digest: 'sha256' },
    'P-256 with SHA-512': { keys: p256, algorithm: algorithm('1.2.840.10045.4.3.4'), digest: 'sha512' },
    'P-384 with SHA-384': { keys: ec('secp384r1'), algorithm: algorithm('1.2.840.10045.4.3.3'), digest: 'sha384' },
    'P-521 with SHA-512': { keys: ec('secp521r1'), algorithm: algorithm('1.2.840.10045.4.3.4'), digest: 'sha512' },
    Ed25519: { keys: generateKeyPairSync('ed25519'), algorithm: algorithm('1.3.101.112'), digest: null },
    Ed448: { keys: generateKeyPairSync('ed448'), algorithm: algorithm('1.3.101.113'), digest: null },
    'RSA-2048 with SHA-256': { keys: rsa, algorithm: algorithm('1.2.840.113549.1.1.11', none), digest: 'sha256' },
    'RSA-2048 with SHA-384': { keys: rsa, algorithm: algorithm('1.2.840.113549.1.1.12', none), digest: 'sha384' },
    'RSA-2048 with PSS': { keys: rsa, algorithm: pss(SHA.sha256, SHA.sha256, 32), digest: 'sha256', parameters: pssSalt(32) },
    'RSA-PSS-2048 with PSS': { keys: rsaPss, algorithm: pss(SHA.sha384, SHA.sha384, 48), digest: 'sha384', parameters: pssSalt(48) },

    'weak: P-256 with SHA-1': { keys: p256, algorithm: algorithm('1.2.840.10045.4.1'), digest: 'sha1' },
    'weak: RSA-2048 with SHA-1': { keys: rsa, algorithm: algorithm('1.2.840.113549.1.1.5', none), digest: 'sha1' },
    'weak: RSA-2048 with MD5': { keys: rsa, algorithm: algorithm('1.2.840.113549.1.1.4', none), digest: 'md5' },
    'weak: RSA-2048 with PSS and SHA-1': { keys: rsa, algorithm: pss(SHA.sha1, SHA.sha1, 20), digest: 'sha1', parameters: pssSalt(20) },
    'weak: RSA-2048 with PSS and defaults, which are SHA-1': {
      keys: rsa,
      algorithm: algorithm('1.2.840.113549.1.1.10', element(0x30)),
      digest: 'sha1',
      parameters: pssSalt(20),
    },
    'weak: RSA-2048 with PSS and two hashes': {
      keys: rsa,
      algorithm: pss(SHA.sha256, SHA.sha1, 32),
      digest: 'sha256',
      parameters: pssSalt(32),
    },
    'weak: RSA-2048 with PSS and a short salt': {
      keys: rsa,
      algorithm: pss(SHA.sha256, SHA.sha256, 8),
      digest: 'sha256',
      parameters: pssSalt(8),
    },
    'weak key: RSA-1024': {
      keys: generateKeyPairSync('rsa', { modulusLength: 1024 }),
      algorithm: algorithm('1.2.840.113549.1.1.11', none),
      digest: 'sha256',
    },
    'weak key: RSA-2040': {
      keys: generateKeyPairSync('rsa', { modulusLength: 2040 }),
      algorithm: algorithm('1.2.840.113549.1.1.11', none),
      digest: 'sha256',
    },
    'weak key: secp256k1': { keys: ec('secp256k1'), algorithm: algorithm('1.2.840.10045.4.3.2'), digest: 'sha256' },
    'weak key: a curve by its parameters': {
      keys: generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' }),
      algorithm: algorithm('1.2.840.10045.4.3.2'),
      digest: 'sha256',
    },
  };
});

function kind(name: string): Kind {
  const found = kinds[name];
  if (found === undefined) throw new Error(`no kind ${name}`);
  return found;
}

/** The outcome when a key of this kind signs the leaf. */
function signing(name: string): string {
  const signer = kind(name);
  const authority = remade(root.der, signer, signer.keys.publicKey);
  const leaf = remade(plainLeaf.der, signer);
  return outcomeOf(() => verify([leaf], trusting(authority)));
}

/** The outcome when the leaf has a key of this kind. */
function holding(name: string): string {
  const { publicKey } = kind(name).keys;
  const p256 = kind('P-256 with SHA-256');
  const authority = remade(root.der, p256, p256.keys.publicKey);
  return outcomeOf(() => verify([remade(plainLeaf.der, p256, publicKey)], trusting(authority)));
}

describe('an authority may sign with', () => {
  it.each([
    'P-256 with SHA-256',
    'P-256 with SHA-512',
    'P-384 with SHA-384',
    'P-521 with SHA-512',
    'Ed25519',
    'Ed448',
    'RSA-2048 with SHA-256',
    'RSA-2048 with SHA-384',
    'RSA-2048 with PSS',
    'RSA-PSS-2048 with PSS',
  ])('%s', (name) => {
    expect([signing(name), holding(name)]).toEqual(['accepted', 'accepted']);
  });
});

describe('a signature is too weak with', () => {
  it.each([
    'weak: P-256 with SHA-1',
    'weak: RSA-2048 with SHA-1',
    'weak: RSA-2048 with MD5',
    'weak: RSA-2048 with PSS and SHA-1',
    'weak: RSA-2048 with PSS and defaults, which are SHA-1',
    'weak: RSA-2048 with PSS and two hashes',
    'weak: RSA-2048 with PSS and a short salt',
  ])('%s', (name) => {
    expect(signing(name)).toBe('ERR_PEER_ALGORITHM_WEAK');
  });
});

describe('a key is too weak for a leaf and for an authority:', () => {
  it.each(['weak key: RSA-1024', 'weak key: RSA-2040', 'weak key: secp256k1', 'weak key: a curve by its parameters'])('%s', (name) => {
    expect([signing(name), holding(name)]).toEqual(['ERR_PEER_ALGORITHM_WEAK', 'ERR_PEER_ALGORITHM_WEAK']);
  });
});

describe('a signature counts only', () => {
  it('under its own name: the algorithm of another family is none', () => {
    const rsa = kind('RSA-2048 with SHA-256');
    const authority = remade(root.der, rsa, rsa.keys.publicKey);
    const leaf = remade(plainLeaf.der, { ...rsa, algorithm: algorithm('1.2.840.10045.4.3.2') });
    expect(outcomeOf(() => verify([leaf], trusting(authority)))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });

  it('with the hash that it names', () => {
    const p256 = kind('P-256 with SHA-256');
    const authority = remade(root.der, p256, p256.keys.publicKey);
    const leaf = remade(plainLeaf.der, { ...p256, digest: 'sha512' });
    expect(outcomeOf(() => verify([leaf], trusting(authority)))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });

  it('as PSS when the key is for PSS alone (RFC 4055 1.2)', () => {
    const rsaPss = kind('RSA-PSS-2048 with PSS');
    const authority = remade(root.der, rsaPss, rsaPss.keys.publicKey);
    // What OpenSSL makes of it is a PSS signature under the name of PKCS #1.
    const leaf = remade(plainLeaf.der, { keys: rsaPss.keys, algorithm: algorithm('1.2.840.113549.1.1.11', none), digest: 'sha256' });
    expect(outcomeOf(() => verify([leaf], trusting(authority)))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });

  it('when it is whole: one bit makes another', () => {
    const broken = edited(plainLeaf.der, (_tbs, whole) => {
      const { value } = childAt(whole, 2);
      if (value instanceof Uint8Array) value[value.length - 1] = (value[value.length - 1] ?? 0) ^ 1;
    });
    expect(outcomeOf(() => verify([{ der: broken }], trusting(root)))).toBe('ERR_PEER_AUTHORITY_UNKNOWN');
  });
});

describe('a weak signature', () => {
  it('on an intermediate breaks the path', async () => {
    const ca = await issueCa(root, { hash: 'SHA-1' });
    const leaf = await issueLeaf(ca);
    expect(outcomeOf(() => verify([leaf, ca], trusting(root)))).toBe('ERR_PEER_ALGORITHM_WEAK');
  });

  it('of an authority on itself proves nothing and breaks nothing: it is trusted because it is in the bundle', async () => {
    const old = await issueRoot({ hash: 'SHA-1' });
    const leaf = await issueLeaf(old);
    expect(outcomeOf(() => verify([leaf], trusting(old)))).toBe('accepted');
  });
});

describe('an RSA key is weak', () => {
  const rsaKey = (modulus: Uint8Array, exponent: Uint8Array): Uint8Array =>
    element(
      0x30,
      algorithm('1.2.840.113549.1.1.1', none),
      element(3, Uint8Array.of(0), element(0x30, element(2, modulus), element(2, exponent))),
    );
  const modulus = (bits: number): Uint8Array => Buffer.concat([Uint8Array.of(0, 0x80 | 0x40), Buffer.alloc(bits / 8 - 1, 1)]);
  const e = Uint8Array.of(1, 0, 1);

  it.each([
    ['of 2048 bits, no: it is strong enough', modulus(2048), e, 'rsa'],
    ['of 8192 bits, no: it is small enough', modulus(8192), e, 'rsa'],
    ['above 8192 bits, whose signatures cost too much', modulus(8200), e, 'weak'],
    ['with a negative modulus', Buffer.alloc(256, 0xc1), e, 'weak'],
    ['with the exponent 1', modulus(2048), Uint8Array.of(1), 'weak'],
    ['with an even exponent', modulus(2048), Uint8Array.of(1, 0, 0), 'weak'],
    ['with a negative exponent', modulus(2048), Uint8Array.of(0x81), 'weak'],
    ['with an exponent of nine bytes', modulus(2048), Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 1), 'weak'],
  ])('%s', (_what, n, exponent, family) => {
    expect(Certificate.parse(edited(plainLeaf.der, (tbs) => replace(childAt(tbs, TBS.spki), rsaKey(n, exponent)))).keyFamily).toBe(family);
  });
});

it('a key of an unknown algorithm is weak', () => {
  const unknown = (node: DerNode): void => replace(childAt(node, TBS.spki, 0), algorithm('1.2.3.4'));
  expect(Certificate.parse(edited(plainLeaf.der, unknown)).keyFamily).toBe('weak');
});

it('a key that OpenSSL cannot read signs nothing, and asking for it throws', () => {
  const offCurve = Certificate.parse(
    edited(
      root.der,
      (tbs) => void childrenOf(childAt(tbs, TBS.spki)).splice(1, 1, decodeTree(element(3, Buffer.alloc(66, 4).fill(0, 0, 1)))),
    ),
  );
  expect(() => offCurve.publicKey).toThrow();
  expect(Certificate.parse(plainLeaf.der).isSignedBy(offCurve)).toBe(false);
});
