// Turns a SPIFFE ID into an X509-SVID, and a trust domain into its CA certificates (X509-SVID, sections 2 to 4).
import type { SpiffeId, TrustDomain } from 'ephemos/spiffe';
import { backdateSeconds, issueCertificate } from './certificate.ts';
import type { KeyType } from './certificate-key.ts';
import type { IssuedCertificate, RawCertificateOptions } from './certificate-options.ts';

/** An SVID as a workload holds it. */
export interface IssuedSvid {
  /** DER certificates, leaf first, then the intermediate when there is one. */
  readonly chain: readonly Uint8Array[];
  /** Unencrypted PKCS#8 DER. */
  readonly privateKey: Uint8Array;
  /** When the leaf ends, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** The leaf as something that can sign, for tests of peers that must refuse what it signs. */
  readonly leaf: IssuedCertificate;
}

/** How an SVID is made; what is left out is as the authority was told. */
export interface IssueOptions {
  readonly ttlSeconds?: number | undefined;
  readonly keyType?: KeyType | undefined;
  readonly dnsNames?: readonly string[] | undefined;
  /** Changes to the leaf, to make one that peers must refuse. */
  readonly certificate?: RawCertificateOptions | undefined;
}

/** What signs SVIDs: the last certificate of `chain` is below the root; the chain is empty when the root itself signs. */
export interface SvidSigner {
  readonly issuer: IssuedCertificate;
  readonly chain: readonly Uint8Array[];
  /** When the first certificate from the issuer to the root ends, in milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** How long a CA certificate lives, and with which key. */
export interface AuthorityLife {
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly keyType: KeyType;
}

/** A self-signed root for the trust domain. `serial` tells the roots of one trust domain apart. */
export function issueRoot(trustDomain: TrustDomain, serial: number, life: AuthorityLife): Promise<IssuedCertificate> {
  return issueCertificate({
    ...authorityProfile(trustDomain, `CN=${trustDomain.name} root ${serial}, O=Ephemos development`),
    basicConstraints: { ca: true },
    ...life,
  });
}

/** An intermediate that may sign leaves only. */
export function issueIntermediate(trustDomain: TrustDomain, issuer: IssuedCertificate, life: AuthorityLife): Promise<IssuedCertificate> {
  return issueCertificate({
    ...authorityProfile(trustDomain, `CN=${trustDomain.name} intermediate, O=Ephemos development`),
    basicConstraints: { ca: true, pathLen: 0 },
    issuer,
    ...life,
  });
}

/** An SVID whose life ends no later than that of its signers. Times are rounded up to the second, the unit of X.509. */
export async function issueSvid(
  id: SpiffeId,
  signer: SvidSigner,
  options: IssueOptions & { readonly ttlSeconds: number },
): Promise<IssuedSvid> {
  const { notBefore, notAfter } = validity(options.ttlSeconds, signer.expiresAt);
  const certificate: RawCertificateOptions = {
    subject: 'O=Ephemos development',
    uris: [id.toString()],
    dnsNames: options.dnsNames,
    issuer: signer.issuer,
    keyType: options.keyType,
    notBefore,
    notAfter,
    ...options.certificate,
  };
  const leaf = await issueCertificate(certificate);
  const expiresAt = (certificate.notAfter ?? notAfter).getTime();
  return Object.freeze({ chain: Object.freeze([leaf.der, ...signer.chain]), privateKey: leaf.privateKey, expiresAt, leaf });
}

/** From a little before now until `ttlSeconds` from now, at most until `limit` (milliseconds since the epoch). */
export function validity(
  ttlSeconds: number,
  limit: number = Number.POSITIVE_INFINITY,
): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  const end = Math.ceil(now / 1000 + ttlSeconds) * 1000;
  return { notBefore: new Date(now - backdateSeconds * 1000), notAfter: new Date(Math.min(end, limit)) };
}

function authorityProfile(trustDomain: TrustDomain, subject: string): RawCertificateOptions {
  return {
    subject,
    uris: [trustDomain.idString],
    keyUsage: { usages: ['keyCertSign', 'cRLSign'] },
    extendedKeyUsage: 'absent',
  };
}
