// A certificate and key that were there already in; what is wrong with them out. What SPIRE would only find out when it starts.
import { createPrivateKey, X509Certificate } from 'node:crypto';

/** What a certificate has to be. */
export interface Expectation {
  /** As it is named. */
  readonly certificate: string;
  readonly pem: string;
  /** Its key, when that has to be there. */
  readonly key?: { readonly name: string; readonly pem: string } | undefined;
  /** PEM of those who may have signed it. */
  readonly issuers: { readonly name: string; readonly pem: string };
  readonly authority: boolean;
  /** The common name. */
  readonly name?: string | undefined;
  /** Undefined: it may have expired. */
  readonly now: Date | undefined;
}

/** What was found: from when until when it is good, or what is wrong. */
export type Judgement =
  | { readonly from: Date; readonly until: Date; readonly problem?: undefined }
  | { readonly problem: string; readonly hint: string; readonly until?: undefined };

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Every certificate of a text; undefined when one cannot be read or there is none. */
export function certificatesOf(pem: string): readonly X509Certificate[] | undefined {
  try {
    const all = (pem.match(PEM) ?? []).map((each) => new X509Certificate(each));
    return all.length === 0 ? undefined : all;
  } catch {
    return undefined;
  }
}

/** Judges a certificate with its key and issuers. */
export function judgeCertificate({ certificate, pem, key, issuers, authority, name, now }: Expectation): Judgement {
  const own = certificatesOf(pem)?.[0];
  if (own === undefined) return wrong(`${certificate} holds no certificate`, 'a certificate as PEM belongs there');
  const roots = certificatesOf(issuers.pem);
  if (roots === undefined) return wrong(`${issuers.name} holds no certificate`, 'the authorities that signed it belong there, as PEM');
  if (own.ca !== authority) {
    const message = authority ? `${certificate} may not sign certificates` : `${certificate} is the certificate of an authority`;
    return wrong(
      message,
      authority ? 'it needs basicConstraints CA:TRUE and keyUsage keyCertSign' : 'a machine has one that signs nothing',
    );
  }
  if (!roots.some((root) => own.checkIssued(root) && own.verify(root.publicKey)))
    return wrong(`${certificate} was not signed by what is in ${issuers.name}`, 'put the certificate of its issuer there');
  if (key !== undefined) {
    const fits = fitsKey(own, key.pem);
    if (fits !== true)
      return wrong(
        fits === undefined ? `${key.name} holds no private key` : `${key.name} is not the key of ${certificate}`,
        'bring both from one place',
      );
  }
  const found = /^CN=(.*)$/m.exec(own.subject)?.[1];
  if (name !== undefined && found !== name)
    return wrong(
      `${certificate} is for ${JSON.stringify(found ?? '')}, and the entries are for ${JSON.stringify(name)}`,
      `its common name has to be ${name}`,
    );
  const [from, until] = [new Date(own.validFrom), new Date(own.validTo)];
  if (now === undefined) return { from, until };
  if (until <= now)
    return wrong(`${certificate} expired on ${day(until)}`, 'renew it, or remove what is to be made anew and run this again');
  if (from > now) return wrong(`${certificate} is not valid before ${day(from)}`, 'look at the clock');
  return { from, until };
}

/** A day, as 2026-11-24. */
export function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function fitsKey(certificate: X509Certificate, pem: string): boolean | undefined {
  try {
    return certificate.checkPrivateKey(createPrivateKey(pem));
  } catch {
    return undefined;
  }
}

function wrong(problem: string, hint: string): Judgement {
  return { problem, hint };
}
