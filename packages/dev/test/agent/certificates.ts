// Takes concatenated DER apart with OpenSSL's eyes.
import { X509Certificate } from 'node:crypto';
import type { X509SVID } from 'ephemos/workload-api';

/** The certificates of a message field. */
export function certificatesOf(der: Uint8Array): readonly X509Certificate[] {
  const certificates: X509Certificate[] = [];
  for (let offset = 0; offset < der.length; ) {
    const length = elementLength(der.subarray(offset));
    certificates.push(new X509Certificate(der.subarray(offset, offset + length)));
    offset += length;
  }
  return certificates;
}

/** True when OpenSSL finds a signature for every step from the leaf to an authority of the bundle, all of them in date. */
export function verifiesWithOpenSsl(svid: X509SVID): boolean {
  const chain = certificatesOf(svid.x509Svid);
  const authorities = certificatesOf(svid.bundle);
  const now = Date.now();
  return chain.every((certificate, index) => {
    const issuers = index + 1 < chain.length ? chain.slice(index + 1, index + 2) : authorities;
    const inDate = Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);
    return inDate && issuers.some((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
  });
}

function elementLength(der: Uint8Array): number {
  const first = der[1] ?? 0;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  return der.subarray(2, 2 + count).reduce((length, byte) => length * 256 + byte, 0) + 2 + count;
}
