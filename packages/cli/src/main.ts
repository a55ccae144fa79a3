#!/usr/bin/env node
// The process of the ephemos command: arguments, terminal and signals in, an exit code out. Nothing else touches them.
import { readFileSync } from 'node:fs';
import type { Context, Screen } from './context.ts';
import { run } from './program.ts';

const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
// The terminal sends these to every process in front of it, so the child has them already.
const TERMINAL_SIGNALS: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT']);
// Who read our output has seen enough, as in `ephemos watch | head -1`, or the terminal is gone.
const LOST_OUTPUT: ReadonlySet<unknown> = new Set(['EPIPE', 'EIO']);

function createContext(): Context {
  const { env, stdout, stderr, stdin } = process;
  const { NO_COLOR: noColor = '', TERM: term = '' } = env;
  const stop = new AbortController();
  let stoppable = false;

  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: Error) => {
      if (!('code' in error && LOST_OUTPUT.has(error.code))) throw error;
      // What is to be cleaned up still is.
      if (stoppable) stop.abort();
      else process.exit(0);
    });
  }

  return {
    env,
    color: stdout.isTTY === true && noColor === '' && term !== 'dumb',
    width: stdout.isTTY === true ? stdout.columns : undefined,
    screen: stdout.isTTY === true && term !== 'dumb' ? screenOf(stdout) : undefined,
    print: (text) => void stdout.write(text),
    printError: (text) => void stderr.write(text),
    finish: () => undefined,
    untilStopped() {
      stoppable = true;
      const abort = (): void => stop.abort();
      process.once('SIGINT', abort).once('SIGTERM', abort);
      // A terminal that is closed sends it, and then the shell in it sends it again.
      process.on('SIGHUP', abort);
      return stop.signal;
    },
    forwardSignals(send) {
      const listener = (signal: NodeJS.Signals): void => {
        if (stdin.isTTY !== true || !TERMINAL_SIGNALS.has(signal)) send(signal);
      };
      for (const signal of FORWARDED_SIGNALS) process.on(signal, listener);
      return () => {
        for (const signal of FORWARDED_SIGNALS) process.off(signal, listener);
      };
    },
  };
}

function screenOf(stdout: NodeJS.WriteStream): Screen {
  return {
    // A terminal that was never told its size has none.
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    onResize(listener) {
      stdout.on('resize', listener);
      return () => stdout.off('resize', listener);
    },
  };
}

function readVersion(): string {
  const json: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof json === 'object' && json !== null && 'version' in json ? String(json.version) : 'unknown';
}

process.exitCode = await run(process.argv.slice(2), readVersion(), createContext());
