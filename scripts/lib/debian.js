// Programs of Debian packages, taken out of them into the cache: nothing is installed, and no service is started.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { alone } from './lock-file.js';
import { cacheFolder } from './programs.js';

/**
 * A folder in which the package, installed or not, and those that it needs and that are not installed lie as they would below `/`.
 * @param {string} name
 * @param {(line: string) => void} log
 * @returns {string | undefined} undefined where there is no apt
 */
export function takeOut(name, log) {
  const target = join(cacheFolder(), `debian-${name}`);
  if (existsSync(target)) return target;
  if (!['apt-get', 'dpkg-deb'].every((tool) => spawnSync(tool, ['--version']).status === 0)) return undefined;
  mkdirSync(cacheFolder(), { recursive: true });
  // apt has one caller at a time, and suites run beside each other.
  return alone(join(cacheFolder(), '.taking.lock'), () => (existsSync(target) ? target : fetch(name, target, log)));
}

/**
 * @param {string} name
 * @param {string} target
 * @param {(line: string) => void} log
 */
function fetch(name, target, log) {
  const work = mkdtempSync(join(cacheFolder(), '.taking-'));
  const archives = join(work, 'archives');
  mkdirSync(join(archives, 'partial'), { recursive: true });
  log(`taking ${name} out of its Debian package into ${target}, once`);
  /** @param {readonly string[]} words */
  const apt = (words) =>
    spawnSync('apt-get', [...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  const fetching = [
    'install',
    '--reinstall',
    '--download-only',
    '--no-install-recommends',
    '-y',
    '-qq',
    '-o',
    `Dir::Cache::archives=${archives}`,
    '-o',
    'DPkg::Lock::Timeout=300',
    name,
  ];
  try {
    // The lists of packages may never have been fetched, or be older than what is served.
    const fetched = apt(fetching).status === 0 || (apt(['update', '-qq']).status === 0 && apt(fetching).status === 0);
    const found = fetched ? readdirSync(archives).filter((file) => file.endsWith('.deb')) : [];
    if (found.length === 0) return undefined;
    const out = join(work, 'out');
    for (const archive of found) execFileSync('dpkg-deb', ['-x', join(archives, archive), out]);
    renameSync(out, target);
    return target;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * The environment in which a program finds the libraries that were taken out with it.
 * @param {string} folder
 */
export function librariesOf(folder) {
  const base = join(folder, 'usr', 'lib');
  const folders = existsSync(base) ? readdirSync(base).filter((name) => /-linux-gnu/.test(name)) : [];
  return { LD_LIBRARY_PATH: folders.map((name) => join(base, name)).join(':') };
}
