// Files of secrets by name in; files that only their owner may read out. What is there already is kept, whole or not at all.
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EphemosError } from 'ephemos/errors';

/** Whom files are given to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Bits that nobody but the owner may have. */
const OTHERS = 0o077;

/** Makes a directory for its owner alone, with what is above it inside of `base`. */
export function makePrivateDirectory(base: string, name: string, owner: Owner | undefined): void {
  const path = join(base, name);
  if (dirname(name) !== '.') makePrivateDirectory(base, dirname(name), owner);
  if (mkdirSync(path, { recursive: true, mode: 0o700 }) === undefined) return;
  chmodSync(path, 0o700);
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
}

/** Writes a file that is not there yet. */
export function writeSecret(base: string, name: string, text: string, owner: Owner | undefined): void {
  makePrivateDirectory(base, dirname(name), owner);
  const path = join(base, name);
  writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
}

/** Replaces a file whole, for the same owner; one that reads it meanwhile has the old one or the new one. */
export function replaceSecret(base: string, name: string, text: string): void {
  const path = join(base, name);
  const { uid, gid } = lstatSync(path);
  const temporary = `${name}.new`;
  rmSync(join(base, temporary), { force: true });
  writeSecret(base, temporary, text, process.geteuid?.() === 0 ? { uid, gid } : undefined);
  renameSync(join(base, temporary), path);
}

/**
 * The texts of files that belong together, by name; undefined when none of them is there.
 * @throws {EphemosError} ERR_CONFIG_INVALID when only some are, or others may read one
 */
export function readTogether(base: string, names: readonly string[]): ((name: string) => string) | undefined {
  const found = new Map(names.map((name) => [name, readSecret(join(base, name))]));
  const missing = names.find((name) => found.get(name) === undefined);
  const present = names.find((name) => found.get(name) !== undefined);
  if (present === undefined) return undefined;
  if (missing === undefined) return (name) => found.get(name) ?? '';
  const directories = [...new Set(names.map((name) => join(base, dirname(name))))];
  throw new EphemosError('ERR_CONFIG_INVALID', `${join(base, present)} is there, and ${join(base, missing)} is not`, {
    hint: `they belong together: bring the other one, or remove ${directories.join(' and ')}`,
  });
}

/**
 * The text of a file; undefined when there is none.
 * @throws {EphemosError} ERR_CONFIG_INVALID when others may read it
 */
export function readSecret(path: string): string | undefined {
  try {
    const stat = lstatSync(path);
    if (!stat.isFile()) throw new EphemosError('ERR_CONFIG_INVALID', `${path} is not a regular file`, { hint: 'remove it' });
    if ((stat.mode & OTHERS) !== 0) {
      throw new EphemosError('ERR_CONFIG_INVALID', `others may read ${path}`, { hint: `chmod 600 ${path}` });
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') {
      throw new EphemosError('ERR_CONFIG_INVALID', `this process may not read ${path}`, { hint: 'run this as its owner', cause: error });
    }
    throw error;
  }
}
