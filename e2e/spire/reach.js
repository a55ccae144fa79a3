// Gives programs that run as other Unix users paths that they can read: the checkout itself where it is open to them, else a copy.
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, lstatSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const readable = 0o005;
const searchable = 0o001;

/**
 * Whether every user may read this file or folder, and walk to it.
 * @param {string} path
 * @returns {boolean}
 */
export function isOpenToAll(path) {
  let at = realpathSync(path);
  if ((statSync(at).mode & readable) < (statSync(at).isDirectory() ? readable : 0o004)) return false;
  while (dirname(at) !== at) {
    at = dirname(at);
    if ((statSync(at).mode & searchable) === 0) return false;
  }
  return true;
}

/**
 * Copies a tree so that every user may read it; symbolic links are kept as they are.
 * @param {string} from
 * @param {string} to
 */
function copyOpen(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  openUp(to);
}

/** @param {string} path */
function openUp(path) {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  chmodSync(path, stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644);
  if (stat.isDirectory()) for (const name of readdirSync(path)) openUp(join(path, name));
}

/**
 * @typedef {object} Reach
 * @property {string} node the Node.js program that runs this
 * @property {(path: string) => string} file the same file of the checkout (or any other file), where all users can read it
 * @property {boolean} copied whether the checkout had to be copied
 */

/**
 * Makes the built checkout, and the running Node.js, reachable by every user; copies what is not into `stage`.
 * @param {{ checkout: string, stage: string, otherUsers: boolean }} options without other users nothing is ever copied
 * @returns {Promise<Reach>}
 */
export async function openReach({ checkout, stage, otherUsers }) {
  if (!otherUsers) return { node: process.execPath, file: (path) => path, copied: false };
  const copied = !isOpenToAll(join(checkout, 'package.json')) || !isOpenToAll(join(checkout, 'node_modules', 'ephemos', 'package.json'));
  const home = copied ? join(stage, 'checkout') : checkout;
  if (copied) {
    // The packages that production installs, and ours; the tools of development stay behind.
    const { stdout } = await run('npm', ['ls', '--all', '--omit=dev', '--parseable'], { cwd: checkout, maxBuffer: 16 * 1024 * 1024 }).catch(
      (error) => error, // npm ends with 1 for an extraneous package, and lists all the same.
    );
    for (const folder of String(stdout).trim().split('\n')) {
      const inside = relative(checkout, folder);
      if (inside === '' || inside.startsWith('..') || inside.split(sep)[0] !== 'node_modules') continue;
      if (!lstatSync(folder).isSymbolicLink()) copyOpen(folder, join(home, inside));
    }
    for (const own of ['package.json', 'packages', 'examples', 'e2e', 'interop', 'scripts', 'deploy'])
      copyOpen(join(checkout, own), join(home, own));
    const linked = readdirSync(join(checkout, 'node_modules'), { withFileTypes: true }).flatMap((entry) =>
      entry.name.startsWith('@')
        ? readdirSync(join(checkout, 'node_modules', entry.name)).map((name) => join(entry.name, name))
        : [entry.name],
    );
    for (const name of linked) {
      const link = join(checkout, 'node_modules', name);
      if (lstatSync(link).isSymbolicLink()) copyOpen(link, join(home, 'node_modules', name));
    }
  }
  /** @type {Map<string, string>} */
  const elsewhere = new Map();
  /** @param {string} path */
  const file = (path) => {
    const inside = relative(checkout, path);
    if (!inside.startsWith('..') && inside !== path) return join(home, inside);
    if (isOpenToAll(path)) return path;
    const known = elsewhere.get(path);
    if (known !== undefined) return known;
    const copy = join(stage, `${elsewhere.size}-${basename(path)}`);
    copyOpen(realpathSync(path), copy);
    elsewhere.set(path, copy);
    return copy;
  };
  return { node: file(process.execPath), file, copied };
}
