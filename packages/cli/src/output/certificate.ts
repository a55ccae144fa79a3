// A certificate as it is shown: DER in, names, dates and key out. What is shown here was not verified.
import { type KeyObject, X509Certificate } from 'node:crypto';
import { isEphemosError } from 'ephemos/errors';
import { Certificate } from 'ephemos/spiffe';

/** What is shown of a certificate. */
export interface CertificateSummary {
  readonly subject: string;
  readonly issuer: string;
  /** URI SANs; undefined when the certificate is not the strict DER that Ephemos reads. */
  readonly uris: readonly string[] | undefined;
  readonly ca: boolean;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly keyType: string;
}

/** Reads what is to be shown. OpenSSL has read the certificate before, so it can again. */
export function summarize(der: Uint8Array): CertificateSummary {
  const certificate = new X509Certificate(der);
  return {
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    uris: urisOf(der),
    ca: certificate.ca,
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    keyType: keyTypeOf(certificate),
  };
}

/** The summary as a program reads it. */
export function summaryJson({ notBefore, notAfter, uris, ...rest }: CertificateSummary): object {
  return { ...rest, uris: uris ?? null, notBefore: new Date(notBefore).toISOString(), notAfter: new Date(notAfter).toISOString() };
}

// Node declares a string and gives undefined for the empty name (Node 20 to 26); parts are separated by line feeds.
function nameText(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

function urisOf(der: Uint8Array): readonly string[] | undefined {
  try {
    return Certificate.parse(der).extensions.uris;
  } catch (error) {
    if (isEphemosError(error)) return undefined;
    throw error;
  }
}

function keyTypeOf(certificate: X509Certificate): string {
  try {
    return describeKey(certificate.publicKey);
  } catch {
    return 'unknown key';
  }
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function describeKey({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  switch (type) {
    case 'ec':
      return `EC ${CURVES[details?.namedCurve ?? ''] ?? details?.namedCurve ?? ''}`.trim();
    case 'rsa':
    case 'rsa-pss':
      return `RSA ${details?.modulusLength ?? ''}`.trim();
    case 'ed25519':
      return 'Ed25519';
    case 'ed448':
      return 'Ed448';
    default:
      return type ?? 'unknown key';
  }
}
