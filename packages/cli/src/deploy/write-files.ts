// Files by name in; a directory that holds them out. Each is replaced whole or not at all, and only its owner may read it.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EphemosError } from 'ephemos/errors';

/** What became of a file, or would. */
export interface FileChange {
  readonly path: string;
  readonly state: 'new' | 'changed' | 'same';
}

/** How to write. */
export interface WriteOptions {
  /** Only say what would be written. */
  readonly dryRun?: boolean;
  /** What every file of ours holds: one without it was written by somebody else, and is left alone. */
  readonly mark: string;
}

/**
 * Writes what differs.
 * @throws {EphemosError} ERR_CONFIG_INVALID, before anything is written, when a file is not ours
 */
export function writeFiles(
  directory: string,
  files: ReadonlyMap<string, string>,
  { dryRun = false, mark }: WriteOptions,
): readonly FileChange[] {
  const planned = [...files].map(([name, text]) => {
    const path = join(directory, name);
    const now = textOf(path);
    if (now !== undefined && now !== text && !now.includes(mark)) {
      throw new EphemosError('ERR_CONFIG_INVALID', `${path} is there already, and was not rendered`, {
        hint: 'move it away, or name another directory',
      });
    }
    return { path, text, state: now === undefined ? 'new' : now === text ? 'same' : 'changed' } as const;
  });
  if (!dryRun) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const { path, text, state } of planned) if (state !== 'same') replace(path, text);
  }
  return planned.map(({ path, state }) => ({ path, state }));
}

function replace(path: string, text: string): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
  renameSync(temporary, path);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
