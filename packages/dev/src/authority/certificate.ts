// Turns certificate options into a signed certificate, good or bad as asked.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { Name, X509CertificateGenerator } from '@peculiar/x509';
import { generateCertificateKey, signingKeyFor } from './certificate-key.ts';
import type { IssuedCertificate, RawCertificateOptions } from './certificate-options.ts';
import { createExtensions } from './extensions.ts';

/** How long before now a certificate starts to be valid, for clocks that differ. SPIRE takes the same 10 seconds. */
export const backdateSeconds = 10;

const defaultTtlSeconds = 3600;

/** Makes a certificate, and a key for it when none is given. `issuer` is 'self' unless it says otherwise. */
export async function issueCertificate(options: RawCertificateOptions): Promise<IssuedCertificate> {
  const key = options.key ?? (await generateCertificateKey(options.keyType));
  const issuer = options.issuer ?? 'self';
  const signer = issuer === 'self' ? key : issuer.key;
  const subject = encodeName(options.subject);
  const subjectKeyIdentifier = chosen(options.subjectKeyIdentifier, key.keyId);
  const authorityKeyIdentifier = issuer === 'self' ? subjectKeyIdentifier : issuer.subjectKeyIdentifier;
  const issuerSubject = issuer === 'self' ? subject : issuer.subject;
  const hash = options.hash ?? 'SHA-256';
  const now = Date.now();
  const certificate = await X509CertificateGenerator.create(
    {
      subject: new Name(subject),
      issuer: new Name(options.issuerName === undefined ? issuerSubject : encodeName(options.issuerName)),
      notBefore: options.notBefore ?? new Date(now - backdateSeconds * 1000),
      notAfter: options.notAfter ?? new Date(now + defaultTtlSeconds * 1000),
      extensions: createExtensions(options, {
        subject: subjectKeyIdentifier,
        authority: chosen(options.authorityKeyIdentifier, authorityKeyIdentifier),
      }),
      publicKey: key.publicKey,
      signingKey: await signingKeyFor(signer, hash),
      signingAlgorithm: { name: signer.privateKey.algorithm.name, hash },
      ...(options.serial === undefined ? {} : { serialNumber: options.serial }),
    },
    webcrypto,
  );
  return Object.freeze({ der: new Uint8Array(certificate.rawData), privateKey: key.pkcs8, key, subject, subjectKeyIdentifier });
}

function encodeName(name: string | Uint8Array | undefined): Uint8Array {
  if (name instanceof Uint8Array) return name;
  return new Uint8Array(new Name(name ?? '').toArrayBuffer());
}

function chosen(option: Uint8Array | 'absent' | undefined, otherwise: Uint8Array | undefined): Uint8Array | undefined {
  return option === 'absent' ? undefined : (option ?? otherwise);
}
