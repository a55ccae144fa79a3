import { X509Certificate } from 'node:crypto';
import { createTestAuthority, type IssuedCertificate, type RawCertificateOptions } from '@ephemos/dev';
import { Certificate } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { asn, keyUsages } from './asn.ts';

const authority = createTestAuthority('example.org');

async function issue(options: RawCertificateOptions): Promise<{ issued: IssuedCertificate; node: X509Certificate }> {
  const issued = await authority.issueCertificate(options);
  return { issued, node: new X509Certificate(issued.der) };
}

describe('issueCertificate', () => {
  it('writes as many URI SANs as asked, as they are', async () => {
    const { node } = await issue({ uris: ['spiffe://example.org/a', 'https://example.org/../b'], dnsNames: ['a.example'] });
    expect(node.subjectAltName).toBe('URI:spiffe://example.org/a, URI:https://example.org/../b, DNS:a.example');
  });

  it('writes no SAN when there is no name', async () => {
    expect((await issue({})).node.subjectAltName).toBeUndefined();
  });

  it('makes the SAN critical exactly when the subject is empty, unless told otherwise', async () => {
    const uris = ['spiffe://example.org/a'];
    const empty = asn((await issue({ uris })).issued.der);
    const named = asn((await issue({ uris, subject: 'CN=a' })).issued.der);
    const told = asn((await issue({ uris, subject: 'CN=a', subjectAltNameCritical: true })).issued.der);
    expect([empty, named, told].map((certificate) => certificate.get('2.5.29.17')?.critical)).toEqual([true, false, true]);
  });

  it('leaves out BasicConstraints and KeyUsage, or makes them not critical', async () => {
    const absent = asn((await issue({ basicConstraints: 'absent', keyUsage: 'absent', extendedKeyUsage: 'absent' })).issued.der);
    expect([...absent.keys()]).toEqual(['2.5.29.14', '2.5.29.35']);
    const lax = asn(
      (await issue({ basicConstraints: { ca: true, pathLen: 3, critical: false }, keyUsage: { usages: ['keyCertSign'], critical: false } }))
        .issued.der,
    );
    expect(lax.get('2.5.29.19')?.critical).toBe(false);
    expect(lax.get('2.5.29.15')?.critical).toBe(false);
  });

  it.each([
    ['digitalSignature', 'keyCertSign'],
    ['crlSign', 'keyAgreement', 'keyEncipherment'],
    ['dataEncipherment', 'nonRepudiation'],
  ] as const)('writes the key usage bits %s', async (...names) => {
    const usages = names.map((name) => (name === 'crlSign' ? 'cRLSign' : name));
    expect(keyUsages((await issue({ keyUsage: { usages } })).issued.der)).toEqual(names);
  });

  it('writes extended key usages by name and by OID', async () => {
    const { node } = await issue({ extendedKeyUsage: { usages: ['clientAuth', '1.3.6.1.5.5.7.3.3'] } });
    expect(node.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.3']);
  });

  it('writes name constraints that our own reader understands', async () => {
    const { issued } = await issue({
      basicConstraints: { ca: true },
      nameConstraints: {
        permittedUris: ['example.org'],
        excludedUris: ['evil.example'],
        permittedDnsNames: ['a.example'],
        excludedDnsNames: ['b.example'],
      },
    });
    expect(asn(issued.der).get('2.5.29.30')?.critical).toBe(true);
    Certificate.parse(issued.der);
  });

  it('writes any other extension', async () => {
    const { issued } = await issue({ extraExtensions: [{ oid: '1.2.3.4', critical: true, der: Uint8Array.of(5, 0) }] });
    expect(asn(issued.der).get('1.2.3.4')).toEqual({ critical: true, der: '0500' });
  });

  it('writes serial, validity and subject as given', async () => {
    const notBefore = new Date('2030-01-02T03:04:05Z');
    const notAfter = new Date('2055-01-02T03:04:05Z');
    const { node } = await issue({ serial: '0abc', notBefore, notAfter, subject: 'CN=a, O=b' });
    expect(node.serialNumber).toBe('0ABC');
    expect([new Date(node.validFrom), new Date(node.validTo)]).toEqual([notBefore, notAfter]);
    expect(node.subject).toBe('CN=a\nO=b');
  });

  it('takes a subject as DER, so that two certificates can share the very bytes', async () => {
    const root = await authority.root();
    const { node } = await issue({ subject: root.subject, issuer: 'self' });
    expect(node.subject).toBe(new X509Certificate(root.der).subject);
  });

  it('signs what another issued certificate issues, whether that may sign or not', async () => {
    const { issued: leaf } = await issue({ uris: ['spiffe://example.org/leaf'] });
    const { node } = await issue({ issuer: leaf });
    expect(node.verify(new X509Certificate(leaf.der).publicKey)).toBe(true);
  });

  it('re-issues a certificate for the same key, and cross-signs it', async () => {
    const root = await authority.root();
    const other = await createTestAuthority('other.example').root();
    const crossed = new X509Certificate((await issue({ key: root.key, subject: root.subject, issuer: other })).issued.der);
    const original = new X509Certificate(root.der);
    expect(crossed.publicKey.equals(original.publicKey)).toBe(true);
    expect(crossed.verify(new X509Certificate(other.der).publicKey)).toBe(true);
    expect(asn(Buffer.from(crossed.raw)).get('2.5.29.14')).toEqual(asn(root.der).get('2.5.29.14'));
  });

  it('overrides both key identifiers, or leaves them out', async () => {
    const subjectKeyIdentifier = Uint8Array.of(1, 2, 3);
    const authorityKeyIdentifier = Uint8Array.of(4, 5, 6);
    const given = asn((await issue({ subjectKeyIdentifier, authorityKeyIdentifier })).issued.der);
    expect(given.get('2.5.29.14')?.der).toBe('0403010203');
    expect(given.get('2.5.29.35')?.der).toBe('30058003040506');
    const absent = asn((await issue({ subjectKeyIdentifier: 'absent', authorityKeyIdentifier: 'absent' })).issued.der);
    expect([absent.has('2.5.29.14'), absent.has('2.5.29.35')]).toEqual([false, false]);
  });

  it.each([
    ['ec-p256', 'SHA-1', '1.2.840.10045.4.1'],
    ['ec-p384', 'SHA-384', '1.2.840.10045.4.3.3'],
    ['rsa-2048', 'SHA-512', '1.2.840.113549.1.1.13'],
    ['rsa-1024', 'SHA-1', '1.2.840.113549.1.1.5'],
    ['ed25519', 'SHA-256', '1.3.101.112'],
  ] as const)('signs with an %s key and %s', async (keyType, hash, oid) => {
    const { issued, node } = await issue({ keyType, hash, issuer: 'self' });
    expect(node.verify(node.publicKey)).toBe(true);
    expect(issued.der.toString()).toContain(oidBytes(oid).toString());
  });
});

describe('issueX509Svid', () => {
  it('spoils exactly what it is told to', async () => {
    const svid = await authority.issueX509Svid('spiffe://example.org/web', {
      certificate: { uris: ['spiffe://example.org/web', 'spiffe://example.org/admin'], keyUsage: 'absent' },
    });
    const [leaf] = svid.chain;
    expect(new X509Certificate(leaf ?? new Uint8Array()).subjectAltName).toBe(
      'URI:spiffe://example.org/web, URI:spiffe://example.org/admin',
    );
    expect(asn(leaf ?? new Uint8Array()).has('2.5.29.15')).toBe(false);
  });

  it('never lets an SVID outlive its CA', async () => {
    const short = createTestAuthority('example.org', { caTtlSeconds: 60, svidTtlSeconds: 60 });
    const svid = await short.issueX509Svid('spiffe://example.org/web', { ttlSeconds: 3600 });
    const root = new X509Certificate((await short.root()).der);
    expect(svid.expiresAt).toBe(Date.parse(root.validTo));
  });
});

function oidBytes(oid: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = oid.split('.').map(Number);
  const bytes = rest.flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return Uint8Array.of(first * 40 + second, ...bytes);
}
