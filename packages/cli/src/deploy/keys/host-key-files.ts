// A directory in; the keys of a deployment on hosts in it out: kept and judged when they are there, made when they are not.
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { LIVES, makeMachine, makeUpstream } from './host-keys.ts';
import { type Judgement, judgeCertificate } from './judge-certificate.ts';
import { type Owner, readTogether, writeSecret } from './key-files.ts';

/** Where each file is, below the directory of the keys. */
export const keyFiles = {
  upstream: { certificate: 'upstream/ca.crt', key: 'upstream/ca.key', roots: 'upstream/roots.pem' },
  machines: { authority: 'nodes/ca.crt', certificate: 'node/node.crt', key: 'node/node.key' },
  bootstrap: 'node/bootstrap.pem',
} as const;

/** Whose keys, and where they go. */
export interface HostKeys {
  readonly directory: string;
  readonly organization: string;
  /** The common name of the machine. */
  readonly machine: string;
  /** Where the keys go that belong on no server; undefined: nowhere, they are forgotten. */
  readonly offline?: string | undefined;
  /** Whom the files are given to; undefined: whoever makes them. */
  readonly owner?: Owner | undefined;
  readonly now: Date;
}

/** What became of a set of keys, or would. */
export interface KeyReport {
  readonly what: 'upstream authority' | 'machine';
  readonly state: 'new' | 'kept';
  /** The certificate that has to be renewed. */
  readonly path: string;
  readonly until: Date;
  /** Too little of its life is left to wait. */
  readonly late: boolean;
}

interface Plan {
  readonly report: KeyReport;
  readonly write: (() => Promise<void>) | undefined;
}

/** Less than this share of its life left: renew. */
const LATE_SHARE = 0.25;

/**
 * Looks at what is there, then makes what is not; nothing that is there is ever written to.
 * @returns what became of each; with `dryRun` what would
 * @throws {EphemosError} ERR_CONFIG_INVALID, before anything is written, when keys are there that do not do
 */
export async function ensureHostKeys(
  keys: HostKeys,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<readonly KeyReport[]> {
  if (keys.offline !== undefined) refuseInside(keys.offline, keys.directory);
  const plans = [planUpstream(keys), planMachine(keys)];
  if (!dryRun) for (const { write } of plans) await write?.();
  return plans.map(({ report }) => report);
}

function planUpstream(keys: HostKeys): Plan {
  const what = 'upstream authority';
  const { certificate, key, roots } = keyFiles.upstream;
  const { directory, organization, owner, now } = keys;
  const text = readTogether(directory, [certificate, key, roots]);
  const bootstrap = readTogether(directory, [keyFiles.bootstrap]);
  if (text === undefined) {
    if (bootstrap !== undefined)
      throw refusal(
        `${join(directory, keyFiles.bootstrap)} is there, and no upstream authority`,
        `bring ${join(directory, certificate)} with its key and roots.pem, or remove the file`,
      );
    refuseKept(keys, ['root.key', 'root.crt']);
    const write = async (): Promise<void> => {
      const { root, authority } = await makeUpstream(organization, now);
      keep(keys, { 'root.key': root.key, 'root.crt': root.certificate });
      writeSecret(directory, certificate, authority.certificate, owner);
      writeSecret(directory, key, authority.key, owner);
      writeSecret(directory, roots, root.certificate, owner);
      writeSecret(directory, keyFiles.bootstrap, root.certificate, owner);
    };
    return { report: reportOf(keys, { what, state: 'new' }, certificate, lifeOf(now, LIVES.upstream)), write };
  }
  const expected = {
    certificate: join(directory, certificate),
    pem: text(certificate),
    issuers: { name: join(directory, roots), pem: text(roots) },
    authority: true,
    now,
  };
  const life = demand(judgeCertificate({ ...expected, key: { name: join(directory, key), pem: text(key) } }));
  if (bootstrap !== undefined)
    demand(judgeCertificate({ ...expected, issuers: { name: join(directory, keyFiles.bootstrap), pem: bootstrap(keyFiles.bootstrap) } }));
  const write = bootstrap === undefined ? async () => writeSecret(directory, keyFiles.bootstrap, text(roots), owner) : undefined;
  return { report: reportOf(keys, { what, state: 'kept' }, certificate, life), write };
}

function planMachine(keys: HostKeys): Plan {
  const what = 'machine';
  const { authority, certificate, key } = keyFiles.machines;
  const { directory, organization, machine, owner, now } = keys;
  const text = readTogether(directory, [authority, certificate, key]);
  if (text === undefined) {
    refuseKept(keys, ['nodes.key', 'nodes.crt']);
    const write = async (): Promise<void> => {
      const made = await makeMachine(organization, machine, now);
      keep(keys, { 'nodes.key': made.authority.key, 'nodes.crt': made.authority.certificate });
      writeSecret(directory, authority, made.authority.certificate, owner);
      writeSecret(directory, certificate, made.machine.certificate, owner);
      writeSecret(directory, key, made.machine.key, owner);
    };
    return { report: reportOf(keys, { what, state: 'new' }, certificate, lifeOf(now, LIVES.machine)), write };
  }
  const life = demand(
    judgeCertificate({
      certificate: join(directory, certificate),
      pem: text(certificate),
      key: { name: join(directory, key), pem: text(key) },
      issuers: { name: join(directory, authority), pem: text(authority) },
      authority: false,
      name: machine,
      now,
    }),
  );
  return { report: reportOf(keys, { what, state: 'kept' }, certificate, life), write: undefined };
}

function keep({ offline }: HostKeys, files: Readonly<Record<string, string>>): void {
  if (offline === undefined) return;
  for (const [name, text] of Object.entries(files)) writeSecret(offline, name, text, undefined);
}

function refuseKept({ offline }: HostKeys, names: readonly string[]): void {
  const there = offline === undefined ? undefined : names.map((name) => join(offline, name)).find((path) => existsSync(path));
  if (there !== undefined) throw refusal(`${there} is there already`, 'name another directory: a key is never overwritten');
}

function refuseInside(offline: string, directory: string): void {
  const between = relative(resolve(directory, '..'), resolve(offline));
  if (!between.startsWith('..'))
    throw refusal(`${offline} is inside of the deployment`, 'these keys belong on no server: name a directory elsewhere');
}

interface Life {
  readonly from: Date;
  readonly until: Date;
}

function reportOf(keys: HostKeys, found: Pick<KeyReport, 'what' | 'state'>, name: string, { from, until }: Life): KeyReport {
  const late = until.getTime() - keys.now.getTime() < (until.getTime() - from.getTime()) * LATE_SHARE;
  return { ...found, path: join(keys.directory, name), until, late };
}

function lifeOf(from: Date, days: number): Life {
  return { from, until: new Date(from.getTime() + days * 86_400_000) };
}

function demand(judgement: Judgement): Life {
  if (judgement.problem === undefined) return judgement;
  throw refusal(judgement.problem, judgement.hint);
}

function refusal(message: string, hint: string): EphemosError {
  return new EphemosError('ERR_CONFIG_INVALID', message, { hint });
}
