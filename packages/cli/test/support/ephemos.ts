// Runs the built command as its users do: a process of its own, with an environment that holds nothing of ours.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export const main: string = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Another copy of the command. */
  readonly main?: string;
  readonly cwd?: string;
  /** Another user, which only root may ask for. */
  readonly uid?: number;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs until it is told to stop. */
export interface Running extends AsyncDisposable {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly finished: Promise<Finished>;
  /** Resolves with what was printed so far, once it fits; rejects when the command ends without it. */
  until(fits: RegExp): Promise<string>;
  stop(signal?: NodeJS.Signals): Promise<Finished>;
}

/** Starts the command. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [options.main ?? main, ...args], {
    env: { PATH, HOME, ...options.env },
    cwd: options.cwd,
    uid: options.uid,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end();
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const watcher of watchers) watcher();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const finished = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }));

  function until(fits: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const watcher = (): void => {
        if (!fits.test(stdout)) return;
        watchers.delete(watcher);
        resolve(stdout);
      };
      watchers.add(watcher);
      void finished.then((end) => reject(new Error(`ended before ${fits}: ${JSON.stringify(end)}`)));
      watcher();
    });
  }

  async function stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Finished> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return finished;
  }

  return {
    child,
    finished,
    until,
    stop,
    async [Symbol.asyncDispose]() {
      await stop('SIGTERM');
    },
  };
}

/** Runs the command to its end. */
export function ephemos(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return start(args, options).finished;
}

/** The documents of a command that prints one a line. */
export function lines(stdout: string): readonly Readonly<Record<string, unknown>>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const document: Readonly<Record<string, unknown>> = JSON.parse(line);
      return document;
    });
}
