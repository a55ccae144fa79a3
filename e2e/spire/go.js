// Turns Go packages into programs with the Go toolchain that is there, saying at least every 10 s what it is doing.
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const sayEvery = 10_000;

/**
 * @typedef {object} Go
 * @property {string} command
 * @property {string} version such as 1.26.4
 * @property {() => Promise<boolean>} hasCCompiler
 */

/**
 * The Go toolchain on PATH when it is this version or newer, or can fetch such a one by itself; else what is wrong.
 * @param {string} least such as 1.26.4
 * @returns {Promise<Go | string>}
 */
export async function findGo(least) {
  let version;
  let mayFetch;
  try {
    version = /go(\d+(?:\.\d+)*)/.exec((await run('go', ['version'])).stdout)?.[1] ?? '0';
    // Since 1.21 a toolchain fetches the one that a module asks for, unless it was told to stay local.
    mayFetch = compareVersions(version, '1.21') >= 0 && (await run('go', ['env', 'GOTOOLCHAIN'])).stdout.trim() !== 'local';
  } catch {
    return 'no Go';
  }
  if (compareVersions(version, least) < 0 && !mayFetch) return `only Go ${version}`;
  return {
    command: 'go',
    version,
    hasCCompiler: async () => {
      const compiler = (await run('go', ['env', 'CC'])).stdout.trim().split(' ')[0] ?? 'cc';
      return run(compiler, ['--version']).then(
        () => true,
        () => false,
      );
    },
  };
}

/**
 * @param {string} left
 * @param {string} right
 */
function compareVersions(left, right) {
  const [a, b] = [left.split('.').map(Number), right.split('.').map(Number)];
  for (let part = 0; part < Math.max(a.length, b.length); part += 1) {
    const difference = (a[part] ?? 0) - (b[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * @param {{ command: string, folder: string, log: (line: string) => void }} options the module's folder, and who hears of progress
 * @returns {{
 *   download: (step: string, module: string, version: string) => Promise<string>,
 *   build: (step: string, what: { packages: readonly string[], bin: string, cgo: boolean, mod: 'mod' | 'readonly', ldflags?: string | undefined })
 *     => Promise<void>,
 * }}
 */
export function createGo({ command, folder, log }) {
  const begin = performance.now();
  const seconds = () => `${((performance.now() - begin) / 1000).toFixed(0)} s`;

  /**
   * @param {string} step
   * @param {readonly string[]} args
   * @param {{ env?: NodeJS.ProcessEnv, progress?: () => string, onLine?: (line: string) => void }} [options]
   * @returns {Promise<string>}
   */
  function go(step, args, { env = {}, progress, onLine } = {}) {
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: folder,
        env: { ...process.env, GOWORK: 'off', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      let downloads = 0;
      log(`${seconds()}, ${step}`);
      const timer = setInterval(() => {
        const detail = progress?.() ?? (downloads === 0 ? '' : `${downloads} modules downloaded`);
        log(`${seconds()}, ${step}${detail === '' ? '' : `: ${detail}`}`);
      }, sayEvery);
      const stop = () => child.kill('SIGKILL');
      process.on('exit', stop);
      child.stdout.setEncoding('utf8').on('data', (text) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        stderr = (stderr + text).slice(-64 * 1024);
        for (const line of text.split('\n')) {
          if (line.startsWith('go: downloading')) downloads += 1;
          else if (line !== '') onLine?.(line);
        }
      });
      child.on('error', reject);
      child.on('close', (code) => {
        clearInterval(timer);
        process.off('exit', stop);
        if (code === 0) return resolve(stdout);
        const told = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('go: downloading'));
        reject(new Error(`go ${args[0]} failed while ${step}: ${told.slice(-5).join('; ')}`));
      });
    });
  }

  return {
    // Where it lies then; its hash has to be the one in the go.sum of the folder.
    download: async (step, module, version) =>
      String(JSON.parse(await go(step, ['mod', 'download', '-json', `${module}@v${version}`])).Dir),
    build: async (step, { packages, bin, cgo, mod, ldflags = '' }) => {
      const env = { GOBIN: bin, CGO_ENABLED: cgo ? '1' : '0' };
      const needed = await go('fetching the modules', ['list', `-mod=${mod}`, '-deps', ...packages], { env });
      const total = needed.trim().split('\n').length;
      let done = 0;
      await go(step, ['install', '-v', `-mod=${mod}`, '-trimpath', `-ldflags=${`-s -w ${ldflags}`.trim()}`, ...packages], {
        env,
        progress: () => `${done} of at most ${total} packages`,
        onLine: () => {
          done += 1;
        },
      });
    },
  };
}
