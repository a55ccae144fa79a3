// A directory in; the certificates of an authority that are in it out, with what is wrong with each and when it has to be replaced.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { LIVES } from '../keys/host-keys.ts';
import { certificatesOf, judgeCertificate } from '../keys/judge-certificate.ts';
import { readSecret } from '../keys/key-files.ts';
import { domainOf, refusal } from './authority.ts';
import { dueOf } from './lives.ts';
import { offline, onMachine, onServer } from './places.ts';

/** A certificate. */
export interface CaShown {
  readonly path: string;
  readonly what: 'root' | 'upstream authority' | 'authority of machines' | 'machine';
  readonly subject: string;
  /** The trust domain that it is of and kept to; undefined for those that are of none. */
  readonly domain: string | undefined;
  readonly until: Date;
  readonly due: Date;
  readonly late: boolean;
  readonly problem: string | undefined;
}

interface Kind {
  readonly what: CaShown['what'];
  readonly key: string | undefined;
  /** Where those are that may have signed it. */
  readonly issuers: string;
  readonly authority: boolean;
  /** Milliseconds that what it signs lives. */
  readonly below: (authority: number) => number;
}

const DAY_MS = 86_400_000;

/** By the name of the file; ca.crt alone may hold several. */
const kinds: Readonly<Record<string, Kind>> = {
  [offline.root.certificate]: {
    what: 'root',
    key: offline.root.key,
    issuers: offline.root.certificate,
    authority: true,
    below: () => LIVES.upstream * DAY_MS,
  },
  [onServer.roots]: { what: 'root', key: undefined, issuers: onServer.roots, authority: true, below: () => LIVES.upstream * DAY_MS },
  [onServer.certificate]: {
    what: 'upstream authority',
    key: onServer.key,
    issuers: onServer.roots,
    authority: true,
    below: (authority) => authority,
  },
  [offline.machines.certificate]: {
    what: 'authority of machines',
    key: undefined,
    issuers: offline.machines.certificate,
    authority: true,
    below: () => LIVES.machine * DAY_MS,
  },
  [onMachine.certificate]: { what: 'machine', key: onMachine.key, issuers: onMachine.authority, authority: false, below: () => 0 },
};

/**
 * @param authority milliseconds that the authorities of SPIRE's servers live (ca_ttl)
 * @throws {EphemosError} ERR_CONFIG_INVALID when there is nothing to show
 */
export function showCa(directory: string, { authority, now }: { readonly authority: number; readonly now: Date }): readonly CaShown[] {
  const files = namesIn(directory);
  const shown = Object.entries(kinds).flatMap(([name, kind]) =>
    files.includes(name) ? showFile(directory, name, kind, { authority, now }) : [],
  );
  if (shown.length === 0)
    throw refusal(`${directory} holds none of ${Object.keys(kinds).join(', ')}`, 'name a directory of "ephemos deploy ca"');
  return shown;
}

function showFile(
  directory: string,
  name: string,
  kind: Kind,
  { authority, now }: { readonly authority: number; readonly now: Date },
): readonly CaShown[] {
  const path = join(directory, name);
  const all = certificatesOf(readFileSync(path, 'utf8'));
  if (all === undefined) throw refusal(`${path} holds no certificate`, 'a certificate as PEM belongs there');
  return all.map((certificate) => {
    const pem = certificate.toString();
    const life = { from: new Date(certificate.validFrom), until: new Date(certificate.validTo) };
    const due = dueOf(life, kind.below(authority));
    const { problem } = judge(directory, { kind, path, pem, now });
    return {
      path,
      what: kind.what,
      subject: certificate.subject.split('\n').join(', '),
      domain: domainOf(pem),
      until: life.until,
      due,
      late: due <= now,
      problem: problem ?? misplaced(directory, kind),
    };
  });
}

function judge(
  directory: string,
  { kind: { key, issuers, authority }, path, pem, now }: { kind: Kind; path: string; pem: string; now: Date },
): ReturnType<typeof judgeCertificate> {
  const text = key === undefined ? undefined : readSecret(join(directory, key));
  const from = join(directory, issuers);
  return judgeCertificate({
    certificate: path,
    pem,
    ...(key === undefined || text === undefined ? {} : { key: { name: join(directory, key), pem: text } }),
    issuers: { name: from, pem: existsSync(from) ? readFileSync(from, 'utf8') : '' },
    authority,
    now,
  });
}

function misplaced(directory: string, { what }: Kind): string | undefined {
  if (what !== 'upstream authority' || !existsSync(join(directory, offline.root.key))) return undefined;
  return `${join(directory, offline.root.key)} is beside it: the key of the root belongs on no server`;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${directory} is no directory that can be read`, {
      hint: 'name one of "ephemos deploy ca"',
      cause,
    });
  }
}
