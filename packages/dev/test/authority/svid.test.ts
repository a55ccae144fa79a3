import { X509Certificate } from 'node:crypto';
import { SpiffeId, TrustDomain, X509Svid } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { createCertificateAuthority } from '../../src/authority/certificate-authority.ts';
import type { KeyType } from '../../src/authority/certificate-key.ts';

const trustDomain = TrustDomain.parse('example.org');
const web = SpiffeId.parse('spiffe://example.org/web');
const keyTypes: readonly KeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519'];

describe.each(keyTypes)('an SVID with %s keys', (keyType) => {
  it.each([false, true])('verifies with OpenSSL up to its root (intermediate: %s)', async (intermediate) => {
    const authority = createCertificateAuthority({ trustDomain, intermediate, keyType, caTtlSeconds: 600, svidTtlSeconds: 60 });
    const svid = await authority.issue(web);
    const roots = (await authority.authorities()).map((der) => new X509Certificate(der));
    const path = [...svid.chain.map((der) => new X509Certificate(der)), ...roots];
    expect(path).toHaveLength(intermediate ? 3 : 2);
    path.forEach((certificate, index) => {
      const issuer = path[index + 1] ?? certificate;
      expect(certificate.checkIssued(issuer)).toBe(true);
      expect(certificate.verify(issuer.publicKey)).toBe(true);
      expect(certificate.ca).toBe(index > 0);
    });
    expect(path[0]?.subjectAltName).toBe('URI:spiffe://example.org/web');
    expect(path[1]?.subjectAltName).toBe('URI:spiffe://example.org');
    X509Svid.parse({ chain: Buffer.concat(svid.chain), privateKey: svid.privateKey, id: web });
  });
});
