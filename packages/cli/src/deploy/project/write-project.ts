// Rendered files and the record of those before them in; a directory that holds them out. A file that was changed by hand stays as it is.
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { digestOf } from './record.ts';

/** What became of a file, or would: `yours` was changed by hand, and nothing has to be changed in it. */
export interface ProjectChange {
  readonly name: string;
  readonly state: 'new' | 'changed' | 'same' | 'yours';
}

/** How to write. */
export interface ProjectOptions {
  /** What each file was when it was last rendered; a file that is not there and exists all the same is somebody else's. */
  readonly before: ReadonlyMap<string, string>;
  readonly dryRun?: boolean;
}

/**
 * Writes what differs, readable for everybody: there is no secret in it, and containers run as other users.
 * @throws {EphemosError} ERR_CONFIG_INVALID, before anything is written, naming every file that would have to be changed and is not ours any more
 */
export function writeProject(
  directory: string,
  files: ReadonlyMap<string, string>,
  { before, dryRun = false }: ProjectOptions,
): readonly ProjectChange[] {
  const planned = [...files].map(([name, text]) => ({ name, text, state: stateOf(textOf(join(directory, name)), text, before.get(name)) }));
  const foreign = planned.filter(({ state }) => state === 'foreign').map(({ name }) => join(directory, name));
  if (foreign.length > 0) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${foreign.join(', ')}: changed by hand, or not written by this command`, {
      hint: 'move it away, run this again, and bring your changes back; or name another directory',
    });
  }
  const changes = planned.flatMap(({ name, text, state }) => (state === 'foreign' ? [] : [{ name, text, state }]));
  if (!dryRun) for (const { name, text, state } of changes) if (state === 'new' || state === 'changed') replaceFile(directory, name, text);
  return changes.map(({ name, state }) => ({ name, state }));
}

/** The text of a file; undefined when there is none. */
export function textOf(path: string): string | undefined {
  try {
    if (!lstatSync(path).isFile()) throw new EphemosError('ERR_CONFIG_INVALID', `${path} is not a regular file`, { hint: 'remove it' });
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function stateOf(now: string | undefined, text: string, before: string | undefined): ProjectChange['state'] | 'foreign' {
  if (now === undefined) return 'new';
  if (now === text) return 'same';
  if (before === undefined) return 'foreign';
  if (before === digestOf(now)) return 'changed';
  return before === digestOf(text) ? 'yours' : 'foreign';
}

/** Writes a file whole or not at all, readable for everybody unless it says otherwise. */
export function replaceFile(directory: string, name: string, text: string, mode = 0o644): void {
  makeDirectory(join(directory, dirname(name)));
  const path = join(directory, name);
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, text, { mode, flag: 'wx' });
  chmodSync(temporary, mode);
  renameSync(temporary, path);
}

// Whatever the umask: services that are other users have to get at their configuration.
function makeDirectory(path: string): void {
  const made = mkdirSync(path, { recursive: true, mode: 0o755 });
  if (made === undefined) return;
  for (let each = path; each.length >= made.length; each = dirname(each)) chmodSync(each, 0o755);
}
