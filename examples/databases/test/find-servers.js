// Finds the database servers of this machine: PostgreSQL by its folder of programs, Redis by its program.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { foldersOnPath, isExecutable, postgresFolders } from '../../../scripts/lib/programs.js';

/** @typedef {{ path: string, version: string, major: number }} Found */

/** Where the programs of PostgreSQL may be. */
function folders() {
  const given = process.env['POSTGRES_BIN_DIR'];
  return given !== undefined && given !== '' ? [given] : [...postgresFolders(), ...foldersOnPath()];
}

/**
 * @param {string} file
 * @returns {Found | undefined}
 */
function found(file, path = file) {
  if (!isExecutable(file)) return undefined;
  const version = execFileSync(file, ['--version'], { encoding: 'utf8' }).trim();
  const major = Number.parseInt(/(\d+)\.\d/.exec(version)?.[1] ?? '', 10);
  return Number.isNaN(major) ? undefined : { path, version, major };
}

/** The PostgreSQL servers that there are, the newest first; `path` is the folder of their programs. */
export function findPostgres() {
  const all = folders().map((folder) => (isExecutable(join(folder, 'initdb')) ? found(join(folder, 'postgres'), folder) : undefined));
  return all.filter((each) => each !== undefined).sort((one, other) => other.major - one.major);
}

/** The Redis server that there is, or one that speaks like it. */
export function findRedis() {
  const given = process.env['REDIS_SERVER'];
  const files =
    given !== undefined && given !== ''
      ? [given]
      : foldersOnPath().flatMap((folder) => [join(folder, 'redis-server'), join(folder, 'valkey-server')]);
  return files.map((file) => found(file)).find((each) => each !== undefined);
}
