// A name, an issuer and a life in; a certificate and its key out, as PEM. For the few authorities that stand around SPIRE, and not for workloads:
// those get theirs from SPIRE.
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PemConverter,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { trustDomainConstraint } from './name-constraint.ts';

/** The curves that keys are made on. */
export const curves = ['P-256', 'P-384'] as const;
/** One of {@link curves}. */
export type Curve = (typeof curves)[number];

const HASHES: Readonly<Record<Curve, string>> = { 'P-256': 'SHA-256', 'P-384': 'SHA-384' };
/** As OpenSSL, and with it Node.js, calls them. */
const NAMES: Readonly<Record<Curve, string>> = { 'P-256': 'prime256v1', 'P-384': 'secp384r1' };
/** For clocks that differ. */
const BACKDATED_MS = 60_000;
const SERIAL_BYTES = 16;

/** Who signs. */
export interface Issuer {
  readonly subject: Name;
  readonly publicKey: PublicKey;
  readonly signingKey: webcrypto.CryptoKey;
  readonly curve: Curve;
}

/** A certificate, and what signs under it. */
export interface Issued extends Issuer {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8, PEM. */
  readonly key: string;
}

/** What a certificate is to say. */
export interface CertificateOptions {
  readonly organization: string;
  readonly name: string;
  /** Itself when left out. */
  readonly issuer?: Issuer | undefined;
  /** How many authorities may stand below it; without it, it is no authority. */
  readonly pathLength?: number | undefined;
  /** The trust domain that an authority is of, which becomes its SPIFFE ID and the only one that it may sign IDs of. */
  readonly domain?: string | undefined;
  readonly curve?: Curve | undefined;
  readonly days: number;
  readonly now: Date;
}

/** Makes a key, and signs a certificate for it. */
export async function issue(options: CertificateOptions): Promise<Issued> {
  const { organization, name, issuer, curve = 'P-256', days, now } = options;
  const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: curve }, true, ['sign', 'verify']);
  const subject = new Name([{ O: [organization] }, { CN: [name] }]);
  const signer = issuer ?? { subject, signingKey: pair.privateKey, curve };
  const certificate = await X509CertificateGenerator.create(
    {
      // Positive, and never the same twice.
      serialNumber: `01${randomBytes(SERIAL_BYTES).toString('hex')}`,
      subject,
      issuer: signer.subject,
      notBefore: new Date(now.getTime() - BACKDATED_MS),
      notAfter: new Date(now.getTime() + days * 86_400_000),
      publicKey: pair.publicKey,
      signingKey: signer.signingKey,
      signingAlgorithm: { name: 'ECDSA', hash: HASHES[signer.curve] },
      extensions: [
        ...extensionsOf(options),
        await SubjectKeyIdentifierExtension.create(pair.publicKey, false, webcrypto),
        ...(issuer === undefined ? [] : [await AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto)]),
      ],
    },
    webcrypto,
  );
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey), 'PRIVATE KEY');
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `${key}\n`,
    subject,
    publicKey: certificate.publicKey,
    signingKey: pair.privateKey,
    curve,
  };
}

/**
 * An authority that was made before.
 * @throws {Error} when they are no certificate and key of one of {@link curves}; whether they fit is for `judgeCertificate`
 */
export async function issuerOf({ certificate, key }: Pick<Issued, 'certificate' | 'key'>): Promise<Issuer> {
  const parsed = new X509Certificate(certificate);
  const named = createPrivateKey(key).asymmetricKeyDetails?.namedCurve;
  const curve = curves.find((each) => NAMES[each] === named);
  if (curve === undefined) throw new TypeError(`the key is on none of ${curves.join(', ')}`);
  const [pkcs8] = PemConverter.decode(key);
  if (pkcs8 === undefined) throw new TypeError('there is no key');
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve: curve }, false, ['sign']);
  return { subject: parsed.subjectName, publicKey: parsed.publicKey, signingKey, curve };
}

function extensionsOf({ pathLength, domain }: CertificateOptions): readonly Extension[] {
  const authority = pathLength !== undefined;
  return [
    new BasicConstraintsExtension(authority, pathLength, true),
    new KeyUsagesExtension(authority ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature, true),
    ...(domain === undefined
      ? []
      : [new SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${domain}` }]), trustDomainConstraint(domain)]),
  ];
}
