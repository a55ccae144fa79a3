// A command in; what it printed out, or why it failed. And a bound for whatever is waited for.
import { spawn } from 'node:child_process';

/** For what takes a moment on an idle machine, in milliseconds. */
const PATIENCE_MS = 60_000;

/** @typedef {{ code: number | null, stdout: string, stderr: string }} Ended */

/**
 * Runs to its end.
 * @param {readonly string[]} command
 * @param {{ env?: NodeJS.ProcessEnv, timeout?: number }} [options] milliseconds
 * @returns {Promise<Ended>}
 */
export function tryRun([file = '', ...args], { env = process.env, timeout = PATIENCE_MS } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

/**
 * The same, where anything but 0 is a failure; resolves with standard output.
 * @param {readonly string[]} command
 * @param {Parameters<typeof tryRun>[1]} [options]
 */
export async function run(command, options) {
  const { code, stdout, stderr } = await tryRun(command, options);
  if (code === 0) return stdout.trim();
  throw new Error(
    `${command.slice(0, 6).join(' ')} ... ended with ${code}\n${`${stdout}${stderr}`.trimEnd().split('\n').slice(-25).join('\n')}`,
  );
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {string} what goes wrong when it takes too long
 * @returns {Promise<T>}
 */
export async function inTime(promise, what) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
