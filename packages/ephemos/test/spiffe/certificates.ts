// The certificates of these tests in few words: what is not said is as in a good chain of example.org.
import { createTestAuthority, type IssuedCertificate, type RawCertificateOptions } from '@ephemos/dev';
import { EphemosError } from 'ephemos/errors';
import { type Peer, TrustDomain, verifyPeer, X509Bundle, X509BundleSet } from 'ephemos/spiffe';

export const ID = 'spiffe://example.org/web';
export const exampleOrg: TrustDomain = TrustDomain.parse('example.org');

const authority = createTestAuthority(exampleOrg);
const signing: RawCertificateOptions = {
  basicConstraints: { ca: true },
  keyUsage: { usages: ['keyCertSign', 'cRLSign'] },
  extendedKeyUsage: 'absent',
};

/** A self-signed CA certificate. */
export function issueRoot(options: RawCertificateOptions = {}): Promise<IssuedCertificate> {
  return authority.issueCertificate({ ...signing, subject: 'CN=root', issuer: 'self', ...options });
}

/** A CA certificate below another one. */
export function issueCa(issuer: IssuedCertificate, options: RawCertificateOptions = {}): Promise<IssuedCertificate> {
  return authority.issueCertificate({ ...signing, subject: 'CN=intermediate', issuer, ...options });
}

export function issueLeaf(issuer: IssuedCertificate, options: RawCertificateOptions = {}): Promise<IssuedCertificate> {
  return authority.issueCertificate({ subject: 'CN=leaf', uris: [ID], issuer, ...options });
}

/** The same CA name and key again, signed by somebody else. */
export function crossSign(
  ca: IssuedCertificate,
  issuer: IssuedCertificate,
  options: RawCertificateOptions = {},
): Promise<IssuedCertificate> {
  return issueCa(issuer, { subject: ca.subject, key: ca.key, ...options });
}

export function bundleOf(trustDomain: string, ...roots: readonly { readonly der: Uint8Array }[]): X509Bundle {
  return X509Bundle.parse(TrustDomain.parse(trustDomain), Buffer.concat(roots.map(({ der }) => der)));
}

/** The bundle of example.org and no other. */
export function trusting(...roots: readonly { readonly der: Uint8Array }[]): X509BundleSet {
  return new X509BundleSet([bundleOf('example.org', ...roots)]);
}

export function verify(chain: readonly { readonly der: Uint8Array }[], bundles: X509BundleSet, now?: Date): Peer {
  return verifyPeer(
    chain.map(({ der }) => der),
    bundles,
    now === undefined ? {} : { now },
  );
}

/** The error that a call must end in. */
export function refusalOf(call: () => unknown): EphemosError {
  try {
    call();
  } catch (error) {
    if (error instanceof EphemosError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** `accepted`, or the code of the refusal. */
export function outcomeOf(call: () => unknown): string {
  try {
    call();
    return 'accepted';
  } catch (error) {
    if (error instanceof EphemosError) return error.code;
    throw error;
  }
}

/** Processor time of a call in milliseconds: what else the machine does is not counted. */
export function costOf(call: () => unknown): number {
  const begin = process.cpuUsage();
  call();
  return process.cpuUsage(begin).user / 1000;
}
