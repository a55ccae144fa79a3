// Starts the built programs as child processes: a command in; its lines of JSON, its exit code and its output out.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * How a program ended.
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null, stdout: string, stderr: string }} Exit
 */

/**
 * One line that a program printed.
 * @typedef {Record<string, unknown>} ProgramEvent
 */

/**
 * A running program.
 * @typedef {object} Program
 * @property {Promise<Exit>} exited
 * @property {(name: string, from?: number) => Promise<ProgramEvent>} event
 *   the first event of this name, past or to come, after `from` others of it; rejects when the program ends without it
 * @property {(name: string) => ProgramEvent[]} events those until now
 * @property {(signal: NodeJS.Signals) => void} kill
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/** Ends what still runs. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * Starts `dist/<name>.js`. It has no SPIFFE_ENDPOINT_SOCKET and no EPHEMOS_CONFIG_PATH but those in `env`.
 * @param {'echo-server' | 'echo-client'} name
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} env
 * @returns {Program}
 */
export function start(name, args, env) {
  const file = fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url));
  const { SPIFFE_ENDPOINT_SOCKET: _endpoint, EPHEMOS_CONFIG_PATH: _config, ...inherited } = process.env;
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

  /** @type {Program['events']} */
  const events = (wanted) => linesOf(stdout).filter(({ event }) => event === wanted);
  return {
    exited,
    events,
    event: (wanted, from = 0) =>
      new Promise((resolve, reject) => {
        const read = () => {
          const found = events(wanted)[from];
          if (found === undefined) return;
          readers.delete(read);
          resolve(found);
        };
        readers.add(read);
        read();
        void exited.then(({ code, signal }) =>
          reject(new Error(`${name} ended with ${signal ?? code} before its "${wanted}": ${stderr.trim() || stdout.trim()}`)),
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
 * @returns {ProgramEvent[]}
 */
function linesOf(text) {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}
