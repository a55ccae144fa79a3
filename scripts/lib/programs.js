// Programs of this machine that suites look for, and the folder outside the checkout that keeps what they fetch or build.
import { accessSync, constants, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** EPHEMOS_CACHE_DIR, else `ephemos` in the user's cache folder. A variable that is empty counts as not set. */
export function cacheFolder(env = process.env) {
  const own = env['EPHEMOS_CACHE_DIR'];
  if (own !== undefined && own !== '') return own;
  const xdg = env['XDG_CACHE_HOME'];
  return join(xdg !== undefined && xdg !== '' ? xdg : join(homedir(), '.cache'), 'ephemos');
}

/** The folders on PATH, in their order. */
export function foldersOnPath() {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** @param {string} file */
export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The folders that packages put the programs of PostgreSQL into, which are seldom on PATH: Debian, Homebrew. The newest release first. */
export function postgresFolders() {
  return ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'].flatMap(postgresFoldersBelow);
}

/**
 * The same below one folder.
 * @param {string} base
 */
export function postgresFoldersBelow(base) {
  const releases = list(base).filter((name) => /^(\d|postgresql)/.test(name));
  const numbered = releases.sort((a, b) => Number(b.replace(/\D/g, '')) - Number(a.replace(/\D/g, '')));
  return numbered.map((name) => join(base, name, 'bin'));
}

/** @param {string} folder */
function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
