// A name, an issuer and a life in; a certificate and its key out, as PEM. For the few authorities that stand around SPIRE, and not for workloads:
// those get theirs from SPIRE.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PemConverter,
  type PublicKey,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** For clocks that differ. */
const BACKDATED_MS = 60_000;
const SERIAL_BYTES = 16;

/** A certificate, and what signs under it. */
export interface Issued {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8, PEM. */
  readonly key: string;
  readonly subject: string;
  readonly pair: webcrypto.CryptoKeyPair;
  readonly publicKey: PublicKey;
}

/** What a certificate is to say. */
export interface CertificateOptions {
  readonly organization: string;
  readonly name: string;
  /** Itself when left out. */
  readonly issuer?: Issued | undefined;
  /** How many authorities may stand below it; without it, it is no authority. */
  readonly pathLength?: number | undefined;
  readonly days: number;
  readonly now: Date;
}

/** Makes a key, and signs a certificate for it. */
export async function issue({ organization, name, issuer, pathLength, days, now }: CertificateOptions): Promise<Issued> {
  const pair = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const subject = new Name([{ O: [organization] }, { CN: [name] }]).toString();
  const authority = pathLength !== undefined;
  const certificate = await X509CertificateGenerator.create(
    {
      // Positive, and never the same twice.
      serialNumber: `01${randomBytes(SERIAL_BYTES).toString('hex')}`,
      subject,
      issuer: issuer?.subject ?? subject,
      notBefore: new Date(now.getTime() - BACKDATED_MS),
      notAfter: new Date(now.getTime() + days * 86_400_000),
      publicKey: pair.publicKey,
      signingKey: (issuer?.pair ?? pair).privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(authority, pathLength, true),
        new KeyUsagesExtension(authority ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature, true),
        await SubjectKeyIdentifierExtension.create(pair.publicKey, false, webcrypto),
        ...(issuer === undefined ? [] : [await AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto)]),
      ],
    },
    webcrypto,
  );
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey), 'PRIVATE KEY');
  return { certificate: `${certificate.toString('pem')}\n`, key: `${key}\n`, subject, pair, publicKey: certificate.publicKey };
}
