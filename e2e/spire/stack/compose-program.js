// Finds a compose that can read a file without an engine: the plugin of docker, docker-compose, or Debian's docker-compose 1.29 out of its package.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { takeOut } from '../../../scripts/lib/debian.js';
import { isExecutable } from '../../../scripts/lib/programs.js';

/**
 * @typedef {object} ComposeProgram
 * @property {string} about
 * @property {(words: readonly string[], options: { cwd: string, env?: Readonly<Record<string, string>> }) => { code: number | null, said: string }} run
 */

/**
 * @param {(line: string) => void} log
 * @returns {readonly ComposeProgram[]} those that are there
 */
export function findCompose(log) {
  const own = [['docker', 'compose'], ['docker-compose']].flatMap((words) => programOf(words, process.env));
  const folder = takeOut('docker-compose', log);
  // It is Python, of the version that Debian has.
  if (folder === undefined || !isExecutable('/usr/bin/python3')) return own;
  const env = { ...process.env, PYTHONPATH: join(folder, 'usr/lib/python3/dist-packages') };
  return [...own, ...programOf(['/usr/bin/python3', join(folder, 'usr/bin/docker-compose')], env)];
}

/**
 * @param {readonly string[]} command
 * @param {NodeJS.ProcessEnv} base
 * @returns {readonly ComposeProgram[]}
 */
function programOf([program = '', ...before], base) {
  /** @type {ComposeProgram['run']} */
  const run = (words, { cwd, env = {} }) => {
    const { status, stdout, stderr } = spawnSync(program, [...before, ...words], {
      cwd,
      env: { ...base, ...env },
      encoding: 'utf8',
      timeout: 60_000,
    });
    return { code: status, said: `${stdout ?? ''}${stderr ?? ''}`.trim() };
  };
  const { code, said } = run(['version', '--short'], { cwd: '/' });
  return code === 0 ? [{ about: `compose ${said}`, run }] : [];
}
