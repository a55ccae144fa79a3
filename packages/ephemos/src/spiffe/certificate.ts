// One X.509 certificate: DER in, the fields that path validation needs out (RFC 5280 section 4.1).
import type { KeyObject } from 'node:crypto';
import {
  importPublicKey,
  type KeyFamily,
  readKeyFamily,
  readSignatureScheme,
  type SignatureScheme,
  verifySignature,
} from './algorithms.ts';
import { type DerElement, DerReader, encodingOf, equalBytes, malformed, readInteger, readOctetAlignedBits, readTime, TAG } from './der.ts';
import { type Extensions, readExtensions } from './extensions.ts';

/** Largest certificate that is read, in bytes. A leaf with a 2048-byte SPIFFE ID and an RSA-8192 key stays below 6 KiB. */
export const MAX_CERTIFICATE_BYTES: number = 64 * 1024;

/** A certificate, read but not verified. */
export class Certificate {
  /** The whole certificate as it came. */
  readonly der: Uint8Array;
  /** The issuer and subject names as DER: they compare byte for byte. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since 1970; both ends are inside the validity period. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: Extensions;
  readonly keyFamily: KeyFamily;
  /** How it was signed; undefined when that is weak or unknown. */
  readonly signatureScheme: SignatureScheme | undefined;
  readonly #spki: Uint8Array;
  readonly #signed: Uint8Array;
  readonly #signature: Uint8Array;
  #publicKey: KeyObject | undefined;

  /**
   * Reads one certificate and nothing after it.
   * @throws {EphemosError} ERR_CERTIFICATE_INVALID
   */
  static parse(der: Uint8Array): Certificate {
    if (der.length > MAX_CERTIFICATE_BYTES) throw malformed(`more than ${MAX_CERTIFICATE_BYTES} bytes`);
    return new Certificate(der);
  }

  private constructor(der: Uint8Array) {
    const file = new DerReader(der);
    const outer = DerReader.inside(file.expect(TAG.sequence, 'certificate'));
    file.finish('the certificate');
    const signed = outer.expect(TAG.sequence, 'signed part');
    const algorithm = outer.expect(TAG.sequence, 'signature algorithm');
    const signature = outer.expect(TAG.bitString, 'signature');
    outer.finish('the certificate');

    const tbs = DerReader.inside(signed);
    readVersion(tbs);
    readInteger(tbs.expect(TAG.integer, 'serial number'));
    const innerAlgorithm = tbs.expect(TAG.sequence, 'signature algorithm');
    // RFC 5280 section 4.1.1.2: the signed and the unsigned algorithm must be the same, or the unsigned one could be swapped.
    if (!equalBytes(encodingOf(innerAlgorithm), encodingOf(algorithm))) throw malformed('two different signature algorithms');
    this.der = der;
    this.issuer = encodingOf(tbs.expect(TAG.sequence, 'issuer'));
    const validity = DerReader.inside(tbs.expect(TAG.sequence, 'validity'));
    this.notBefore = readTime(validity);
    this.notAfter = readTime(validity);
    validity.finish('the validity');
    this.subject = encodingOf(tbs.expect(TAG.sequence, 'subject'));
    const spki = tbs.expect(TAG.sequence, 'public key');
    this.keyFamily = readKeyFamily(spki);
    this.#spki = encodingOf(spki);
    this.extensions = readExtensions(readTail(tbs));
    this.signatureScheme = readSignatureScheme(algorithm);
    this.#signed = encodingOf(signed);
    this.#signature = readOctetAlignedBits(signature);
  }

  /** The key, imported when it is first asked for. Throws what OpenSSL throws. */
  get publicKey(): KeyObject {
    this.#publicKey ??= importPublicKey(this.#spki);
    return this.#publicKey;
  }

  /** True when the subject is the empty name. */
  get subjectEmpty(): boolean {
    return this.subject.length === 2;
  }

  /** Checks the signature with the key of `issuer`, whatever the two names say. Costs one signature check. */
  isSignedBy(issuer: Certificate): boolean {
    if (this.signatureScheme === undefined) return false;
    try {
      return verifySignature(this.signatureScheme, this.#signed, this.#signature, issuer.publicKey);
    } catch {
      return false;
    }
  }

  /** True when both are the same bytes. */
  equals(other: Certificate): boolean {
    return equalBytes(this.der, other.der);
  }
}

function readVersion(tbs: DerReader): void {
  const version = DerReader.inside(tbs.expect(0xa0, 'version'));
  const [value, more] = readInteger(version.expect(TAG.integer, 'version'));
  version.finish('the version');
  // Versions 1 and 2 have no extensions, so no SPIFFE ID and no CA flag.
  if (value !== 2 || more !== undefined) throw malformed('a version other than 3');
}

// issuerUniqueID and subjectUniqueID are passed over; the extensions are what is wanted.
function readTail(tbs: DerReader): DerElement | undefined {
  tbs.optional(0x81);
  tbs.optional(0x82);
  const extensions = tbs.optional(0xa3);
  tbs.finish('the signed part');
  return extensions;
}

/**
 * Splits concatenated certificates, as the Workload API sends them, without reading inside.
 * @throws {EphemosError} ERR_CERTIFICATE_INVALID when the bytes are not whole certificates or there are more than `most`
 */
export function splitCertificates(concatenated: Uint8Array, most: number): readonly Uint8Array[] {
  const reader = new DerReader(concatenated);
  const list: Uint8Array[] = [];
  while (!reader.done) {
    if (list.length === most) throw malformed(`more than ${most} certificates in a row`);
    list.push(encodingOf(reader.expect(TAG.sequence, 'certificate')));
  }
  return list;
}
