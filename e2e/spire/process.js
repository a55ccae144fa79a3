// Turns commands into child processes whose output is kept and read line by line, and ends every one of them with the suite,
// whatever ends it: a return, an exception or a signal.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} StartOptions
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [cwd]
 * @property {number} [uid]
 * @property {number} [gid]
 * @property {(line: string) => void} [onLine] each line of standard output
 * @property {(line: string) => void} [onErrorLine] each line of standard error
 */

/**
 * @typedef {object} Exit
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 */

/**
 * @typedef {object} Program
 * @property {string} name
 * @property {number | undefined} pid
 * @property {Promise<Exit>} exited resolves when the process has ended and its output has been read; never rejects
 * @property {() => boolean} running
 * @property {() => string} stdout everything written so far (the last 256 KiB)
 * @property {() => string} stderr
 * @property {(test: (line: string) => boolean, options: { timeout: number, what: string }) => Promise<string>} line
 *   resolves with the first line of standard output, past or future, that passes the test
 * @property {(line: string) => void} write one line to standard input
 * @property {(options?: { signal?: NodeJS.Signals, grace?: number }) => Promise<Exit>} stop asks, then kills after `grace` ms
 */

/**
 * @typedef {object} Programs
 * @property {(name: string, command: string, args: readonly string[], options?: StartOptions) => Program} start
 * @property {(name: string, command: string, args: readonly string[], options?: StartOptions & { timeout?: number })
 *   => Promise<Exit & { stdout: string, stderr: string, ms: number }>} run runs to the end (default timeout 60 s, then killed)
 * @property {(lines?: number) => string} tails the last lines of every program that wrote any
 * @property {() => Promise<void>} close ends them all
 */

const shownLine = 300;
const keptBytes = 256 * 1024;
/** @type {Set<import('node:child_process').ChildProcess>} */
const alive = new Set();
/** @type {Set<() => void>} */
const atExit = new Set();
let hooked = false;

function hookExit() {
  if (hooked) return;
  hooked = true;
  process.on('exit', () => {
    for (const child of alive) child.kill('SIGKILL');
    for (const action of atExit) {
      try {
        action();
      } catch {
        // The others must still run.
      }
    }
  });
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('SIGHUP', () => process.exit(129));
}

/**
 * Runs a synchronous action when this process ends, after every child was killed. Returns what takes it back.
 * @param {() => void} action
 * @returns {() => void}
 */
export function onExit(action) {
  hookExit();
  atExit.add(action);
  return () => {
    atExit.delete(action);
  };
}

/** @param {string} line */
const shorten = (line) => (line.length <= shownLine ? line : `${line.slice(0, shownLine)}…`);

/** @param {(line: string) => void} take */
function lineReader(take) {
  let rest = '';
  return {
    /** @param {string} text */
    push(text) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(line);
    },
    end() {
      if (rest !== '') take(rest);
      rest = '';
    },
  };
}

/**
 * @param {{ logs: string }} options the folder that gets one log file per program
 * @returns {Programs}
 */
export function createPrograms({ logs }) {
  hookExit();
  /** @type {Program[]} */
  const started = [];

  /** @type {Programs['start']} */
  function start(name, command, args, options = {}) {
    const log = join(logs, `${name}.log`);
    const child = spawn(command, args, {
      stdio: 'pipe',
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
    alive.add(child);
    const kept = { stdout: '', stderr: '' };
    /** @type {Set<(line: string) => void>} */
    const listeners = new Set();
    let ended = false;

    const out = lineReader((line) => {
      options.onLine?.(line);
      for (const listener of listeners) listener(line);
    });
    const err = lineReader((line) => options.onErrorLine?.(line));
    for (const [stream, reader] of /** @type {const} */ ([
      ['stdout', out],
      ['stderr', err],
    ])) {
      child[stream].setEncoding('utf8');
      child[stream].on('data', (/** @type {string} */ text) => {
        kept[stream] = (kept[stream] + text).slice(-keptBytes);
        appendFileSync(log, text);
        reader.push(text);
      });
    }
    child.stdin.on('error', () => undefined); // It may have ended before it read what we wrote.

    /** @type {Promise<Exit>} */
    const exited = new Promise((resolve) => {
      child.on('error', (error) => {
        kept.stderr += `${error.message}\n`;
        if (child.pid === undefined) finish({ code: 127, signal: null });
      });
      child.on('close', (code, signal) => finish({ code, signal }));
      /** @param {Exit} exit */
      function finish(exit) {
        ended = true;
        alive.delete(child);
        out.end();
        err.end();
        resolve(exit);
      }
    });

    /** @type {Program} */
    const program = {
      name,
      pid: child.pid,
      exited,
      running: () => !ended,
      stdout: () => kept.stdout,
      stderr: () => kept.stderr,
      write: (line) => {
        if (!ended) child.stdin.write(`${line}\n`);
      },
      line: (test, { timeout, what }) =>
        new Promise((resolve, reject) => {
          const seen = kept.stdout.split('\n').find(test);
          if (seen !== undefined) return resolve(seen);
          const timer = setTimeout(() => settle(new Error(`${name}: no ${what} within ${timeout} ms`)), timeout);
          /** @param {string} line */
          const listener = (line) => {
            if (test(line)) settle(line);
          };
          listeners.add(listener);
          void exited.then(({ code, signal }) => settle(new Error(`${name}: ended with ${signal ?? code} before its ${what}`)));
          /** @param {string | Error} result */
          function settle(result) {
            clearTimeout(timer);
            listeners.delete(listener);
            if (typeof result === 'string') resolve(result);
            else reject(result);
          }
        }),
      stop: async ({ signal = 'SIGTERM', grace = 15_000 } = {}) => {
        if (ended) return exited;
        child.kill(signal);
        const timer = setTimeout(() => child.kill('SIGKILL'), grace);
        const exit = await exited;
        clearTimeout(timer);
        return exit;
      },
    };
    started.push(program);
    return program;
  }

  return {
    start,
    run: async (name, command, args, options = {}) => {
      const begin = performance.now();
      const program = start(name, command, args, options);
      program.write('');
      const timer = setTimeout(() => void program.stop({ signal: 'SIGKILL' }), options.timeout ?? 60_000);
      const exit = await program.exited;
      clearTimeout(timer);
      return { ...exit, stdout: program.stdout(), stderr: program.stderr(), ms: performance.now() - begin };
    },
    tails: (lines = 6) =>
      [...new Map(started.map((program) => [program.name, program])).values()]
        .map((program) => {
          const text = `${program.stdout()}${program.stderr()}`.trimEnd();
          return text === '' ? '' : `--- ${program.name}\n${text.split('\n').slice(-lines).map(shorten).join('\n')}`;
        })
        .filter((text) => text !== '')
        .join('\n'),
    close: async () => {
      await Promise.all(started.map((program) => program.stop()));
    },
  };
}
