// Everything that can be said about a certificate before it is made: right or wrong.
import type { CertificateKey, KeyType, SignatureHash } from './certificate-key.ts';

/** The bits of KeyUsage (RFC 5280, section 4.2.1.3). */
export type KeyUsageName =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign';

/** A certificate with its key, able to sign further certificates (whether it may or not). */
export interface IssuedCertificate {
  /** The certificate, DER. */
  readonly der: Uint8Array;
  /** The private key as unencrypted PKCS#8 DER. */
  readonly privateKey: Uint8Array;
  /** The key pair, to be used again for another certificate. */
  readonly key: CertificateKey;
  /** The subject, DER: the issuer name of what it signs. */
  readonly subject: Uint8Array;
  /** The subject key identifier, when it has one. */
  readonly subjectKeyIdentifier: Uint8Array | undefined;
}

/** Names that a CA may or may not issue (RFC 5280, section 4.2.1.10). */
export interface NameConstraintsOptions {
  readonly permittedUris?: readonly string[] | undefined;
  readonly excludedUris?: readonly string[] | undefined;
  readonly permittedDnsNames?: readonly string[] | undefined;
  readonly excludedDnsNames?: readonly string[] | undefined;
  /** Default true. */
  readonly critical?: boolean | undefined;
}

/** Any other extension, as bytes. */
export interface ExtraExtension {
  readonly oid: string;
  readonly critical?: boolean | undefined;
  /** The value, DER. */
  readonly der: Uint8Array;
}

/** Full control over a certificate. What is left out is what an X509-SVID leaf has, except that there is no URI SAN. */
export interface RawCertificateOptions {
  /** A distinguished name as text (RFC 4514) or as DER; empty when left out. */
  readonly subject?: string | Uint8Array | undefined;
  /** The certificate that signs, or 'self'. */
  readonly issuer?: IssuedCertificate | 'self' | undefined;
  /** The issuer name to write instead of the subject of the issuer. */
  readonly issuerName?: string | Uint8Array | undefined;
  /** Hexadecimal; random when left out. */
  readonly serial?: string | undefined;
  /** Default: 10 seconds ago. */
  readonly notBefore?: Date | undefined;
  /** Default: in one hour. */
  readonly notAfter?: Date | undefined;
  /** URI SANs, written as they are. */
  readonly uris?: readonly string[] | undefined;
  readonly dnsNames?: readonly string[] | undefined;
  /** Default: critical when the subject is empty, as RFC 5280 asks. */
  readonly subjectAltNameCritical?: boolean | undefined;
  /** Default: present, critical, not a CA. */
  readonly basicConstraints?:
    | { readonly ca: boolean; readonly pathLen?: number | undefined; readonly critical?: boolean | undefined }
    | 'absent'
    | undefined;
  /** Default: present, critical, digitalSignature. */
  readonly keyUsage?: { readonly usages: readonly KeyUsageName[]; readonly critical?: boolean | undefined } | 'absent' | undefined;
  /** OIDs, or the two names TLS uses. Default: both of them. */
  readonly extendedKeyUsage?: { readonly usages: readonly string[]; readonly critical?: boolean | undefined } | 'absent' | undefined;
  readonly nameConstraints?: NameConstraintsOptions | undefined;
  readonly extraExtensions?: readonly ExtraExtension[] | undefined;
  /** Default: the hash of the public key. */
  readonly subjectKeyIdentifier?: Uint8Array | 'absent' | undefined;
  /** Default: the subject key identifier of the issuer. */
  readonly authorityKeyIdentifier?: Uint8Array | 'absent' | undefined;
  /** A key pair that exists already, for cross-signing and re-issuing. */
  readonly key?: CertificateKey | undefined;
  /** The kind of key to make when there is none. Default 'ec-p256'. */
  readonly keyType?: KeyType | undefined;
  /** The hash of the signature. Default 'SHA-256'. */
  readonly hash?: SignatureHash | undefined;
}
