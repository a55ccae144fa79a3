// The programs of Debian's packages that build and run images: those of this machine, else taken out of their packages into the cache.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { takeOut } from '../../scripts/lib/debian.js';
import { foldersOnPath, isExecutable } from '../../scripts/lib/programs.js';

/** podman needs conmon, which its package brings, and crun; catatonit is number 1 of the namespace that everything runs in. */
const packages = ['buildah', 'podman', 'crun', 'catatonit'];
// Where distributions put what nobody calls by hand.
const besidePath = ['/usr/libexec/podman', '/usr/lib/podman'];

/** @param {string} name */
function isHere(name) {
  return [...foldersOnPath(), ...besidePath].some((folder) => isExecutable(join(folder, name)));
}

/** The packages whose programs this machine lacks. */
export function missing() {
  return packages.filter((name) => !isHere(name));
}

/** Installs them; what is missing afterwards says whether it worked. */
export function install() {
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', ...packages],
  ]) {
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  }
}

/**
 * The folders that have to be laid under `/usr` for all of the programs to be where they look for each other; none where they are installed.
 * @param {(line: string) => void} log
 * @returns {readonly string[] | undefined} undefined where something is missing and there is no apt
 */
export function foldersUnderUsr(log) {
  const taken = missing().map((name) => takeOut(name, log));
  const found = taken.filter((folder) => folder !== undefined);
  return found.length === taken.length ? found.map((folder) => join(folder, 'usr')) : undefined;
}
