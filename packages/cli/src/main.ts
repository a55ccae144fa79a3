#!/usr/bin/env node
// The process of the ephemos command: arguments, terminal and signals in, an exit code out. Nothing else touches them.
import { readFileSync } from 'node:fs';
import type { Context } from './context.ts';
import { run } from './program.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
// The terminal sends these to every process in front of it, so the child has them already.
const TERMINAL_SIGNALS: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT']);

function createContext(): Context {
  const { env, stdout, stderr, stdin } = process;
  const { NO_COLOR: noColor = '', TERM: term = '' } = env;
  return {
    env,
    color: stdout.isTTY === true && noColor === '' && term !== 'dumb',
    width: stdout.isTTY === true ? stdout.columns : undefined,
    print: (text) => void stdout.write(text),
    printError: (text) => void stderr.write(text),
    finish: () => undefined,
    untilStopped() {
      const stop = new AbortController();
      for (const signal of STOP_SIGNALS) process.once(signal, () => stop.abort());
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

function readVersion(): string {
  const json: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof json === 'object' && json !== null && 'version' in json ? String(json.version) : 'unknown';
}

// Whoever read our output has seen enough, as in `ephemos watch | head -1`.
process.stdout.on('error', (error) => {
  if ('code' in error && error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv.slice(2), readVersion(), createContext());
