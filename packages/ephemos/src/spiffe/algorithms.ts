// Which keys and signatures are strong enough, and how node:crypto checks them (RFC 5280 section 4.1.1.2, RFC 4055, RFC 5758, RFC 8410).
import { constants, createPublicKey, type KeyObject, type VerifyKeyObjectInput, verify } from 'node:crypto';
import { type DerElement, DerReader, readInteger, readObjectIdentifier, readOctetAlignedBits, readSmallInteger, TAG } from './der.ts';

/** Smallest RSA modulus accepted, in bits (NIST SP 800-57 part 1, table 4: 2048 bits is 112 bits of strength). */
export const MIN_RSA_BITS = 2048;
/** Largest RSA modulus accepted, in bits: checking a signature takes time quadratic in it. */
export const MAX_RSA_BITS = 8192;

/** The family of a key, or `weak` for one that is too small or unknown. */
export type KeyFamily = 'ec' | 'rsa' | 'ed25519' | 'ed448' | 'weak';

/** How a certificate was signed: the family of the issuer's key and what crypto.verify needs. */
export interface SignatureScheme {
  readonly family: KeyFamily;
  readonly digest: string | null;
  readonly saltLength?: number;
}

const OID = {
  rsa: '1.2.840.113549.1.1.1',
  rsaPss: '1.2.840.113549.1.1.10',
  mgf1: '1.2.840.113549.1.1.8',
  ec: '1.2.840.10045.2.1',
  ed25519: '1.3.101.112',
  ed448: '1.3.101.113',
} as const;

// P-256, P-384 and P-521: the curves of TLS 1.3 that X.509 can hold.
const CURVES: ReadonlySet<string> = new Set(['1.2.840.10045.3.1.7', '1.3.132.0.34', '1.3.132.0.35']);

const DIGESTS: ReadonlyMap<string, readonly [digest: string, bytes: number]> = new Map([
  ['2.16.840.1.101.3.4.2.1', ['sha256', 32]],
  ['2.16.840.1.101.3.4.2.2', ['sha384', 48]],
  ['2.16.840.1.101.3.4.2.3', ['sha512', 64]],
]);

// SHA-1 and MD5 have no line here, and what has no line is weak.
const SCHEMES: ReadonlyMap<string, SignatureScheme> = new Map([
  ['1.2.840.10045.4.3.2', { family: 'ec', digest: 'sha256' }],
  ['1.2.840.10045.4.3.3', { family: 'ec', digest: 'sha384' }],
  ['1.2.840.10045.4.3.4', { family: 'ec', digest: 'sha512' }],
  ['1.2.840.113549.1.1.11', { family: 'rsa', digest: 'sha256' }],
  ['1.2.840.113549.1.1.12', { family: 'rsa', digest: 'sha384' }],
  ['1.2.840.113549.1.1.13', { family: 'rsa', digest: 'sha512' }],
  [OID.ed25519, { family: 'ed25519', digest: null }],
  [OID.ed448, { family: 'ed448', digest: null }],
]);

/** Reads the family of a SubjectPublicKeyInfo and judges its strength. */
export function readKeyFamily(spki: DerElement): KeyFamily {
  const reader = DerReader.inside(spki);
  const algorithm = DerReader.inside(reader.expect(TAG.sequence, 'key algorithm'));
  const key = readOctetAlignedBits(reader.expect(TAG.bitString, 'public key'));
  reader.finish('a public key');
  const oid = readObjectIdentifier(algorithm.expect(TAG.objectIdentifier, 'key algorithm'));
  switch (oid) {
    case OID.ec: {
      const curve = algorithm.optional(TAG.objectIdentifier);
      return curve !== undefined && CURVES.has(readObjectIdentifier(curve)) ? 'ec' : 'weak';
    }
    case OID.rsa:
    case OID.rsaPss:
      return isStrongRsa(key) ? 'rsa' : 'weak';
    case OID.ed25519:
      return 'ed25519';
    case OID.ed448:
      return 'ed448';
    default:
      return 'weak';
  }
}

/** Reads an AlgorithmIdentifier of a signature; undefined for one that is weak or unknown. */
export function readSignatureScheme(algorithm: DerElement): SignatureScheme | undefined {
  const reader = DerReader.inside(algorithm);
  const oid = readObjectIdentifier(reader.expect(TAG.objectIdentifier, 'signature algorithm'));
  return oid === OID.rsaPss ? readPss(reader) : SCHEMES.get(oid);
}

/** Imports a SubjectPublicKeyInfo. Throws what OpenSSL throws. */
export function importPublicKey(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki.buffer, spki.byteOffset, spki.length), format: 'der', type: 'spki' });
}

/** Checks one signature with the issuer's key; false for a wrong signature and for a key of another family. */
export function verifySignature(scheme: SignatureScheme, signed: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  if (!matchesScheme(key, scheme)) return false;
  try {
    return verify(scheme.digest, signed, verifyInput(scheme, key), signature);
  } catch {
    return false;
  }
}

function verifyInput(scheme: SignatureScheme, key: KeyObject): KeyObject | VerifyKeyObjectInput {
  if (scheme.saltLength !== undefined) return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: scheme.saltLength };
  return key;
}

// RFC 4055 section 1.2: an RSASSA-PSS key makes PSS signatures only. Node would take such a signature under the name of PKCS #1 too.
function matchesScheme(key: KeyObject, { family, saltLength }: SignatureScheme): boolean {
  const type = key.asymmetricKeyType;
  return type === family || (type === 'rsa-pss' && saltLength !== undefined);
}

function isStrongRsa(key: Uint8Array): boolean {
  const reader = DerReader.inside(new DerReader(key).expect(TAG.sequence, 'RSA key'));
  const modulus = readInteger(reader.expect(TAG.integer, 'RSA modulus'));
  const exponent = readInteger(reader.expect(TAG.integer, 'RSA exponent'));
  const positive = (modulus[0] ?? 0) < 0x80 && (exponent[0] ?? 0) < 0x80;
  const bits = modulus[0] === 0 ? bitLength(modulus.subarray(1)) : bitLength(modulus);
  const odd = ((exponent[exponent.length - 1] ?? 0) & 1) === 1;
  const aboveOne = exponent.length > 1 || (exponent[0] ?? 0) > 1;
  return positive && bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS && odd && aboveOne && exponent.length <= 8;
}

function bitLength(value: Uint8Array): number {
  return value.length === 0 ? 0 : (value.length - 1) * 8 + (32 - Math.clz32(value[0] ?? 0));
}

// RSASSA-PSS-params (RFC 4055 section 3.1). The defaults mean SHA-1, so each field must be there and agree with the others.
function readPss(reader: DerReader): SignatureScheme | undefined {
  const parameters = DerReader.inside(reader.expect(TAG.sequence, 'PSS parameters'));
  const hash = parameters.optional(0xa0);
  const mask = parameters.optional(0xa1);
  const salt = parameters.optional(0xa2);
  if (hash === undefined || mask === undefined || salt === undefined || !parameters.done) return undefined;
  const hashOid = readAlgorithmOid(DerReader.inside(hash));
  const digest = DIGESTS.get(hashOid.oid);
  const { oid: maskOid, rest } = readAlgorithmOid(DerReader.inside(mask));
  if (digest === undefined || maskOid !== OID.mgf1 || readAlgorithmOid(rest).oid !== hashOid.oid) return undefined;
  const saltLength = readSmallInteger(DerReader.inside(salt).expect(TAG.integer, 'PSS salt length'));
  return saltLength === digest[1] ? { family: 'rsa', digest: digest[0], saltLength } : undefined;
}

function readAlgorithmOid(outer: DerReader): { readonly oid: string; readonly rest: DerReader } {
  const rest = DerReader.inside(outer.expect(TAG.sequence, 'algorithm'));
  return { oid: readObjectIdentifier(rest.expect(TAG.objectIdentifier, 'algorithm')), rest };
}
