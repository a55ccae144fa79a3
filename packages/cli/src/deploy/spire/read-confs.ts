// Paths of files and directories in, what is wrong with the configurations of SPIRE there out.
import { isUtf8 } from 'node:buffer';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ConfigProblem } from '@ephemos/service/config';
import { EphemosError } from 'ephemos/errors';
import { checkAgreement } from './check-agreement.ts';
import { type ConfCheck, checkConf } from './check-conf.ts';

/** A configuration is at most this many bytes. */
export const MAX_CONF_BYTES: number = 1024 * 1024;

/** What was found. */
export interface SpireCheck {
  readonly confs: readonly ConfCheck[];
  /** File by file, each by place; what several files disagree on last. */
  readonly problems: readonly ConfigProblem[];
  /** More than `problems` has when those would be a flood. */
  readonly total: number;
}

/**
 * Looks at configurations of SPIRE: every key that SPIRE would not read, and where server and agent contradict each other.
 * @param paths files, and directories whose files that end in `.conf` are looked at
 * @throws {EphemosError} ERR_CONFIG_INVALID when there is nothing to look at
 */
export function checkSpire(paths: readonly string[]): SpireCheck {
  const confs = paths.flatMap(filesAt).map((file) => checkConf(readConf(file), file));
  const own = confs.flatMap(({ problems }) => problems);
  const between = checkAgreement(confs);
  return { confs, problems: [...own, ...between], total: confs.reduce((sum, { total }) => sum + total, between.length) };
}

function filesAt(path: string): readonly string[] {
  const names = guarded(path, () => (statSync(path).isDirectory() ? readdirSync(path) : undefined));
  if (names === undefined) return [path];
  const files = names.filter((name) => name.endsWith('.conf')).sort();
  if (files.length > 0) return files.map((name) => join(path, name));
  throw refusal(`${path}: there is no file that ends in .conf`, 'name the files, or the directory that holds server.conf and agent.conf');
}

function readConf(path: string): string {
  const stat = guarded(path, () => statSync(path));
  if (!stat.isFile()) throw refusal(`${path}: this is not a regular file`);
  if (stat.size > MAX_CONF_BYTES) throw refusal(`${path}: ${basename(path)} is larger than 1 MiB`);
  const bytes = guarded(path, () => readFileSync(path));
  if (!isUtf8(bytes)) throw refusal(`${path}: this is not UTF-8`, 'save it as UTF-8');
  return bytes.toString('utf8');
}

function guarded<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
    if (code === undefined) throw error;
    const message =
      code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'this process may not read it' : `it cannot be read (${code})`;
    throw refusal(`${path}: ${message}`);
  }
}

function refusal(message: string, hint?: string): EphemosError {
  return new EphemosError('ERR_CONFIG_INVALID', message, { hint });
}
