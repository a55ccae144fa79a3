// Finds the programs of a release (a folder that a variable names, then PATH, then our cache), or builds the release that a recipe pins into the cache
// with Go.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isHeld, take } from '../../scripts/lib/lock-file.js';
import { cacheFolder, foldersOnPath, isExecutable } from '../../scripts/lib/programs.js';
import { createGo, findGo } from './go.js';
import { onExit } from './process.js';

/**
 * @typedef {object} Release
 * @property {string} title such as SPIRE
 * @property {string} recipe the folder of the go.mod and go.sum that pin it
 * @property {string} module
 * @property {Readonly<Record<string, string>>} programs the package of each, by the program's name
 * @property {string} cache what its folder in the cache is called before the version
 * @property {string} variable of the environment, which may name a folder of programs
 * @property {boolean} cgo
 * @property {string} [ldflags] beside those that leave out symbols
 * @property {readonly string[]} [sums] files of the module that pin what it needs; default go.sum
 * @property {string} costs how long a build takes, and what is kept
 */

/**
 * @typedef {object} Found
 * @property {string} folder
 * @property {string} from where it was found
 */

/**
 * The release of a module that the go.mod of a recipe requires.
 * @param {{ recipe: string, module: string }} release
 */
export function pinnedRelease({ recipe, module }) {
  const line = readFileSync(join(recipe, 'go.mod'), 'utf8')
    .split('\n')
    .map((each) => each.trim().replace(/^require /, ''))
    .find((each) => each.startsWith(`${module} v`));
  if (line === undefined) throw new Error(`${basename(recipe)}/go.mod pins no ${module}`);
  return line.slice(module.length + 2);
}

/** @param {string} recipe */
export function neededGo(recipe) {
  return /^go (\S+)$/m.exec(readFileSync(join(recipe, 'go.mod'), 'utf8'))?.[1] ?? '0';
}

/**
 * Finds or builds the programs. Throws an Error of one line that says what to install when it can do neither.
 * @param {Release} release
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<Found>}
 */
export async function installGoPrograms(release, { log }) {
  const names = Object.keys(release.programs);
  const holds = (/** @type {string} */ folder) => names.every((name) => isExecutable(join(folder, name)));
  const given = process.env[release.variable];
  if (given !== undefined && given !== '') {
    if (holds(given)) return { folder: given, from: release.variable };
    throw new Error(`${release.variable} is ${given}, which holds no executable ${names.join(' and ')}`);
  }
  const onPath = foldersOnPath().find(holds);
  if (onPath !== undefined) return { folder: onPath, from: 'PATH' };
  const version = pinnedRelease(release);
  const cached = join(cacheFolder(), `${release.cache}-${version}`);
  if (holds(cached)) return { folder: cached, from: 'the cache' };
  await build({ release, version, target: cached, holds, log });
  if (!holds(cached)) throw new Error(`the build of ${release.title} ${version} left no ${names.join(' and ')} in ${cached}`);
  return { folder: cached, from: 'a build of ours' };
}

/** @param {{ release: Release, version: string, target: string, holds: (folder: string) => boolean, log: (line: string) => void }} options */
async function build({ release, version, target, holds, log }) {
  const { title, recipe, module, programs, cgo } = release;
  const orElse = `or put ${Object.keys(programs).join(' and ')} ${version} on PATH or in ${release.variable}`;
  const least = neededGo(recipe);
  const go = await findGo(least);
  if (typeof go === 'string') {
    const compiler = cgo ? ' and a C compiler (gcc)' : '';
    throw new Error(`no ${title} here and ${go} to build it with: install Go ${least} or newer${compiler}, ${orElse}`);
  }
  if (cgo && !(await go.hasCCompiler())) throw new Error(`no C compiler, which ${title} needs: install gcc (or clang), ${orElse}`);
  mkdirSync(dirname(target), { recursive: true });
  const unlock = await lock(`${target}.lock`, log);
  const folder = mkdtempSync(join(dirname(target), '.building-'));
  const forget = onExit(() => rmSync(folder, { recursive: true, force: true }));
  try {
    if (holds(target)) return; // Another build finished while we waited.
    const begin = performance.now();
    log(`building ${title} ${version} into ${target}: ${release.costs}`);
    cpSync(recipe, folder, { recursive: true });
    const tools = createGo({ command: go.command, folder, log: (line) => log(`${title} ${version}: ${line}`) });
    const source = await tools.download('fetching the release', module, version);
    // Our go.sum pins the release; the release's own files pin all that it needs.
    const sums = (release.sums ?? ['go.sum']).map((name) => readFileSync(join(source, name), 'utf8'));
    writeFileSync(join(folder, 'go.sum'), `${readFileSync(join(recipe, 'go.sum'), 'utf8')}${sums.join('')}`);
    const bin = join(folder, 'bin');
    await tools.build('compiling', { packages: Object.values(programs), bin, cgo, mod: 'mod', ldflags: release.ldflags });
    for (const [name, path] of Object.entries(programs)) {
      const built = builtName(path);
      if (built !== name) renameSync(join(bin, built), join(bin, name));
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(bin, target);
    log(`built ${title} ${version} in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  } finally {
    forget();
    rmSync(folder, { recursive: true, force: true });
    unlock();
  }
}

/**
 * What Go calls the program of a package: the last part of its path that is no version.
 * @param {string} path
 */
function builtName(path) {
  return basename(path.replace(/\/v\d+$/, ''));
}

/**
 * Holds a lock file that names its owner's process id; waits for another live owner, and takes over from a dead one.
 * @param {string} file
 * @param {(line: string) => void} log
 * @returns {Promise<() => void>}
 */
export async function lock(file, log) {
  for (let waits = 0; ; waits += 1) {
    if (take(file)) {
      const release = () => rmSync(file, { force: true });
      const forget = onExit(release);
      return () => {
        forget();
        release();
      };
    }
    if (!isHeld(file)) {
      rmSync(file, { force: true });
      continue;
    }
    if (waits % 10 === 0) log(`another build is under way (${file}); waiting ${waits === 0 ? '' : `since ${waits} s`}`.trimEnd());
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
