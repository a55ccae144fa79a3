// The files of an authority in; whether they are one, whose, and until when, out.
import { join } from 'node:path';
import { X509Certificate } from '@peculiar/x509';
import { EphemosError } from 'ephemos/errors';
import { SpiffeId } from 'ephemos/spiffe';
import type { Issued } from '../keys/certificate.ts';
import { certificatesOf, type Judgement, judgeCertificate } from '../keys/judge-certificate.ts';
import { readTogether } from '../keys/key-files.ts';
import type { Life } from './lives.ts';
import { offline, onServer } from './places.ts';

/** The root of a trust domain, with its key. */
export interface Root extends Life, Pick<Issued, 'certificate' | 'key'> {
  readonly domain: string;
  readonly organization: string;
}

/** An upstream authority that is there. */
export interface Upstream extends Life {
  readonly certificate: string;
  /** PEM of those that are trusted: the root, and for a while the one before or after it. */
  readonly roots: string;
}

/**
 * The root in a directory; undefined when there is none.
 * @throws {EphemosError} ERR_CONFIG_INVALID when what is there is no root of a trust domain, or others may read its key
 */
export function readRoot(directory: string, now: Date): Root | undefined {
  const names = offline.root;
  const text = readTogether(directory, [names.certificate, names.key]);
  if (text === undefined) return undefined;
  const [certificate, key] = [text(names.certificate), text(names.key)];
  const path = join(directory, names.certificate);
  const life = demand(
    judgeCertificate({
      certificate: path,
      pem: certificate,
      key: { name: join(directory, names.key), pem: key },
      issuers: { name: path, pem: certificate },
      authority: true,
      now,
    }),
  );
  const domain = domainOf(certificate);
  const organization = new X509Certificate(certificate).subjectName.getField('O')[0];
  if (domain === undefined || organization === undefined)
    throw refusal(`${path} says no trust domain`, 'it is not of "ephemos deploy ca init": sign below it with the tool that made it');
  return { certificate, key, domain, organization, ...life };
}

/**
 * The upstream authority in a directory, which may have expired; undefined when there is none.
 * @param root that has to have signed it; undefined: whatever root is beside it
 * @throws {EphemosError} ERR_CONFIG_INVALID when it is none, or not below the root
 */
export function readUpstream(directory: string, root: Pick<Root, 'certificate'> | undefined): Upstream | undefined {
  const text = readTogether(directory, Object.values(onServer));
  if (text === undefined) return undefined;
  const [certificate, key, roots] = [text(onServer.certificate), text(onServer.key), text(onServer.roots)];
  const path = join(directory, onServer.certificate);
  const issuer = root?.certificate ?? roots;
  const life = demand(
    judgeCertificate({
      certificate: path,
      pem: certificate,
      key: { name: join(directory, onServer.key), pem: key },
      issuers: { name: root === undefined ? join(directory, onServer.roots) : 'the offline directory', pem: issuer },
      authority: true,
      now: undefined,
    }),
  );
  const known = certificatesOf(roots)?.some(({ raw }) => certificatesOf(issuer)?.[0]?.raw.equals(raw)) === true;
  if (!known)
    throw refusal(`${join(directory, onServer.roots)} does not hold the root`, 'bring the files of one place, or name an empty directory');
  return { certificate, roots, ...life };
}

/** The trust domain that an authority is of; undefined when it says none. */
export function domainOf(pem: string): string | undefined {
  const uris = certificatesOf(pem)?.[0]?.subjectAltName?.split(', ') ?? [];
  const [uri, ...others] = uris.flatMap((each) => (each.startsWith('URI:') ? [each.slice('URI:'.length)] : []));
  if (uri === undefined || others.length > 0) return undefined;
  try {
    const id = SpiffeId.parse(uri);
    return id.path === '' ? id.trustDomain.name : undefined;
  } catch {
    return undefined;
  }
}

/** @throws {EphemosError} ERR_CONFIG_INVALID with what was judged to be wrong */
export function demand(judgement: Judgement): Life {
  if (judgement.problem === undefined) return judgement;
  throw refusal(judgement.problem, judgement.hint);
}

/** What is there does not do. */
export function refusal(message: string, hint: string): EphemosError {
  return new EphemosError('ERR_CONFIG_INVALID', message, { hint });
}
