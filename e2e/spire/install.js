// Finds spire-server and spire-agent (SPIRE_BIN_DIR, then PATH, then our cache), or builds the pinned release into the cache with Go.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isHeld, take } from '../../scripts/lib/lock-file.js';
import { cacheFolder, foldersOnPath, isExecutable } from '../../scripts/lib/programs.js';
import { createGo, findGo } from './go.js';
import { onExit } from './process.js';

/**
 * @typedef {object} Spire
 * @property {string} server the path of spire-server
 * @property {string} agent the path of spire-agent
 * @property {string} version what `spire-server --version` prints
 * @property {string} from where it was found
 */

const recipe = fileURLToPath(new URL('./recipe', import.meta.url));
/** As recipe/go.mod says. */
const neededGo = '1.26.4';
const run = promisify(execFile);

/** The SPIRE release that is built, as recipe/go.mod pins it. */
export function pinnedVersion() {
  const version = /github\.com\/spiffe\/spire v(\S+)/.exec(readFileSync(join(recipe, 'go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new Error('recipe/go.mod pins no SPIRE release');
  return version;
}

/**
 * @param {string} folder
 * @param {string} from
 * @returns {Promise<Spire | undefined>}
 */
async function spireIn(folder, from) {
  const [server, agent] = [join(folder, 'spire-server'), join(folder, 'spire-agent')];
  if (!isExecutable(server) || !isExecutable(agent)) return undefined;
  const { stdout, stderr } = await run(server, ['--version']);
  return { server, agent, version: `${stdout}${stderr}`.trim(), from };
}

/**
 * Finds or builds SPIRE. Throws an Error of one line that says what to install when it can do neither.
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<Spire>}
 */
export async function installSpire({ log }) {
  const given = process.env['SPIRE_BIN_DIR'];
  if (given !== undefined && given !== '') {
    const found = await spireIn(given, 'SPIRE_BIN_DIR');
    if (found === undefined) throw new Error(`SPIRE_BIN_DIR is ${given}, which holds no executable spire-server and spire-agent`);
    return found;
  }
  for (const folder of foldersOnPath()) {
    const found = await spireIn(folder, 'PATH');
    if (found !== undefined) return found;
  }
  const version = pinnedVersion();
  const cached = join(cacheFolder(), `spire-${version}`);
  const found = await spireIn(cached, 'the cache');
  if (found !== undefined) return found;
  await build({ version, target: cached, log });
  const built = await spireIn(cached, 'a build of ours');
  if (built === undefined) throw new Error(`the build of SPIRE ${version} left no spire-server and spire-agent in ${cached}`);
  return built;
}

/** @param {{ version: string, target: string, log: (line: string) => void }} options */
async function build({ version, target, log }) {
  const orElse = `or put spire-server and spire-agent ${version} on PATH or in SPIRE_BIN_DIR`;
  const go = await findGo(neededGo);
  if (typeof go === 'string') {
    throw new Error(`no SPIRE here and ${go} to build it with: install Go ${neededGo} or newer and a C compiler (gcc), ${orElse}`);
  }
  if (!(await go.hasCCompiler())) throw new Error(`no C compiler, which SPIRE's sqlite store needs: install gcc (or clang), ${orElse}`);
  mkdirSync(dirname(target), { recursive: true });
  const unlock = await lock(`${target}.lock`, log);
  const folder = mkdtempSync(join(dirname(target), '.building-'));
  const forget = onExit(() => rmSync(folder, { recursive: true, force: true }));
  try {
    if ((await spireIn(target, '')) !== undefined) return; // Another build finished while we waited.
    const begin = performance.now();
    log(`building SPIRE ${version} into ${target}: 5 to 8 minutes on two cores, once; 240 MB are kept`);
    cpSync(recipe, folder, { recursive: true });
    const tools = createGo({ command: go.command, folder, log: (line) => log(`spire ${version}: ${line}`) });
    const packages = ['server', 'agent'].map((part) => `github.com/spiffe/spire/cmd/spire-${part}`);
    const module = JSON.parse(
      await tools.output('fetching the release', ['mod', 'download', '-json', `github.com/spiffe/spire@v${version}`]),
    );
    // Our go.sum pins the release; the release's own go.sum pins all that it needs.
    writeFileSync(
      join(folder, 'go.sum'),
      `${readFileSync(join(recipe, 'go.sum'), 'utf8')}${readFileSync(join(module.Dir, 'go.sum'), 'utf8')}`,
    );
    await tools.build('compiling', { packages, bin: join(folder, 'bin'), cgo: true, mod: 'mod' });
    rmSync(target, { recursive: true, force: true });
    renameSync(join(folder, 'bin'), target);
    log(`built SPIRE ${version} in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  } finally {
    forget();
    rmSync(folder, { recursive: true, force: true });
    unlock();
  }
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const spire = await installSpire({ log: (line) => process.stderr.write(`${line}\n`) });
    process.stdout.write(`${JSON.stringify(spire)}\n`);
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
