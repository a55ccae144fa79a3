// Finds the database servers of this machine: PostgreSQL by its folder of programs, Redis by its program.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @typedef {{ path: string, version: string, major: number }} Found */

const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');

/** Where packages put the programs of PostgreSQL, which need not be on PATH: Debian, Fedora, Homebrew. */
function* postgresFolders() {
  const given = process.env['POSTGRES_BIN_DIR'];
  if (given !== undefined && given !== '') yield given;
  else {
    for (const base of ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt']) {
      for (const name of list(base)) if (base.endsWith('postgresql') || name.startsWith('postgresql')) yield join(base, name, 'bin');
    }
    yield* onPath;
  }
}

/** @param {string} folder */
function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
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
  const all = [...postgresFolders()].map((folder) =>
    isExecutable(join(folder, 'initdb')) ? found(join(folder, 'postgres'), folder) : undefined,
  );
  return all.filter((each) => each !== undefined).sort((one, other) => other.major - one.major);
}

/** The Redis server that there is, or one that speaks like it. */
export function findRedis() {
  const given = process.env['REDIS_SERVER'];
  const files =
    given !== undefined && given !== ''
      ? [given]
      : onPath.flatMap((folder) => [join(folder, 'redis-server'), join(folder, 'valkey-server')]);
  return files.map((file) => found(file)).find((each) => each !== undefined);
}
