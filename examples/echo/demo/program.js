// Starts the built programs as child processes: a command in; its log, its exit code and its output out.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * How a program ended.
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null, stdout: string, stderr: string }} Exit
 */

/**
 * A line of the log. `msg` says what happened, the other fields say more.
 * @typedef {Record<string, unknown>} LogLine
 */

/**
 * A running program.
 * @typedef {object} Program
 * @property {Promise<Exit>} exited
 * @property {(fits: (line: LogLine) => boolean, what: string, from?: number) => Promise<LogLine>} line
 *   the first line that fits, past or to come, after `from` others that do; rejects when the program ends without it
 * @property {(fits: (line: LogLine) => boolean) => LogLine[]} lines those until now
 * @property {(signal: NodeJS.Signals) => void} kill
 */

/**
 * Fits the line with this message, or the beginning of it.
 * @param {string} msg
 * @returns {(line: LogLine) => boolean}
 */
export const says = (msg) => (line) => typeof line['msg'] === 'string' && line['msg'].startsWith(msg);

/**
 * Fits the audit line of a refusal.
 * @param {LogLine} line
 */
export const denies = (line) => line['audit'] === 'deny';

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/** Ends what still runs. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * Starts `dist/<name>.js`. Of what configures Ephemos it has what is in `env`, and nothing of ours.
 * @param {'echo-server' | 'echo-client'} name
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} env
 * @returns {Program}
 */
export function start(name, args, env) {
  const file = fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url));
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(EPHEMOS|SPIFFE|GRPC)_/.test(key)));
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...inherited, ...env } });
  running.add(child);
  let stdout = '';
  let stderr = '';
  /** @type {Set<() => void>} */
  const readers = new Set();
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
    for (const read of readers) read();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  /** @type {Promise<Exit>} */
  const exited = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });

  /** @type {Program['lines']} */
  const lines = (fits) => linesOf(stdout).filter(fits);
  return {
    exited,
    lines,
    line: (fits, what, from = 0) =>
      new Promise((resolve, reject) => {
        const read = () => {
          const found = lines(fits)[from];
          if (found === undefined) return;
          readers.delete(read);
          resolve(found);
        };
        readers.add(read);
        read();
        void exited.then(({ code, signal }) =>
          reject(new Error(`${name} ended with ${signal ?? code} before it said "${what}": ${stderr.trim() || stdout.trim()}`)),
        );
      }),
    kill: (signal) => void child.kill(signal),
  };
}

/**
 * Runs a program to its end.
 * @param {Parameters<typeof start>} program
 * @returns {Promise<Exit>}
 */
export function run(...program) {
  return start(...program).exited;
}

/**
 * The lines of JSON in an output; the last one only when it is whole.
 * @param {string} text
 * @returns {LogLine[]}
 */
function linesOf(text) {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}
