// Our own X.509-SVID: chain and key as the Workload API sends them in, a checked identity out (X509-SVID sections 2 to 5).
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { EphemosError, isEphemosError } from '../errors.ts';
import { Certificate, splitCertificates } from './certificate.ts';
import { equalBytes } from './der.ts';
import { checkLeaf, isAuthority, readLeafId } from './leaf.ts';
import type { SpiffeId } from './spiffe-id.ts';

/** Most certificates in a chain that we present or accept: a leaf and the intermediates above it. */
export const MAX_CHAIN_CERTIFICATES = 16;
/** Workload API section 8: a hint is at most this many bytes. */
export const MAX_HINT_BYTES = 1024;

/** What {@link X509Svid.parse} takes. */
export interface X509SvidInput {
  /** Concatenated DER certificates, leaf first. */
  readonly chain: Uint8Array;
  /** PKCS#8 DER, unencrypted. */
  readonly privateKey: Uint8Array;
  /** The SPIFFE ID that the certificate must hold, when one was announced. */
  readonly id?: SpiffeId | undefined;
  /** What the operator says this identity is for, at most 1024 bytes. */
  readonly hint?: string | undefined;
}

/** An X.509 identity of this workload: its certificate chain and its key. */
export class X509Svid {
  readonly id: SpiffeId;
  /** What the operator says this identity is for; the empty string when nothing is said. */
  readonly hint: string;
  /** DER certificates, leaf first, without the root. */
  readonly chain: readonly Uint8Array[];
  /** Milliseconds since 1970: the validity of the leaf. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly #privateKey: KeyObject;

  private constructor(id: SpiffeId, hint: string, certificates: readonly Certificate[], leaf: Certificate, privateKey: KeyObject) {
    this.id = id;
    this.hint = hint;
    this.chain = Object.freeze(certificates.map((certificate) => certificate.der));
    this.notBefore = leaf.notBefore;
    this.notAfter = leaf.notAfter;
    this.#privateKey = privateKey;
    Object.freeze(this);
  }

  /**
   * Checks the chain and the key against each other and against X509-SVID. The dates are not looked at: an expired SVID parses.
   * @throws {EphemosError} ERR_SVID_INVALID
   */
  static parse(input: X509SvidInput): X509Svid {
    const { hint = '' } = input;
    if (Buffer.byteLength(hint) > MAX_HINT_BYTES) throw invalid(`has a hint of more than ${MAX_HINT_BYTES} bytes`);
    const certificates = readChain(input.chain);
    const [leaf, ...intermediates] = certificates;
    if (leaf === undefined) throw invalid('has no certificate');
    const id = readOwnId(leaf);
    if (input.id !== undefined && !input.id.equals(id)) throw invalid(`was announced as ${input.id} but its certificate says ${id}`);
    if (!intermediates.every(isAuthority)) throw invalid('has an intermediate that may not sign certificates');
    return new X509Svid(id, hint, certificates, leaf, readKey(input.privateKey, leaf));
  }

  /** The key. Not part of what is printed or serialised. */
  get privateKey(): KeyObject {
    return this.#privateKey;
  }

  /** True for the same chain and hint; the same chain means the same key. */
  equals(other: X509Svid): boolean {
    return (
      this === other ||
      (this.hint === other.hint &&
        this.chain.length === other.chain.length &&
        this.chain.every((der, index) => equalBytes(der, other.chain[index] ?? new Uint8Array())))
    );
  }

  toJSON(): { id: string; hint: string; notBefore: string; notAfter: string } {
    return {
      id: this.id.toString(),
      hint: this.hint,
      notBefore: new Date(this.notBefore).toISOString(),
      notAfter: new Date(this.notAfter).toISOString(),
    };
  }
}

function readChain(chain: Uint8Array): readonly Certificate[] {
  try {
    // A copy, so that what becomes of the caller's buffer does not matter.
    return splitCertificates(new Uint8Array(chain), MAX_CHAIN_CERTIFICATES).map((der) => Certificate.parse(der));
  } catch (error) {
    throw invalid('has a malformed chain', error);
  }
}

function readOwnId(leaf: Certificate): SpiffeId {
  try {
    checkLeaf(leaf);
    return readLeafId(leaf);
  } catch (error) {
    if (isEphemosError(error)) throw invalid(`breaks a rule: ${error.message}`, error);
    throw error;
  }
}

function readKey(der: Uint8Array, leaf: Certificate): KeyObject {
  let privateKey: KeyObject;
  let matches: boolean;
  try {
    privateKey = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
    matches = createPublicKey(privateKey).equals(leaf.publicKey);
  } catch {
    // The cause would carry OpenSSL's view of key bytes; it is left out on purpose.
    throw invalid('has a key that is not unencrypted PKCS#8, or a certificate key that cannot be read');
  }
  if (!matches) throw invalid('has a key that does not belong to its certificate');
  return privateKey;
}

function invalid(what: string, cause?: unknown): EphemosError {
  return new EphemosError('ERR_SVID_INVALID', `the X.509-SVID ${what}`, cause === undefined ? {} : { cause });
}
