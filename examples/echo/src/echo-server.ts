#!/usr/bin/env node
// The echo server as a command: `serve` (also without a word, as containers start it) and `health`, which probes a server that runs.
import { isEphemosError } from 'ephemos/errors';
import { readConfig } from './config.ts';
import { exitCodes, report, UsageError } from './failure.ts';
import { probe } from './health.ts';

const usage = 'usage: echo-server [serve | health]   (configuration: the file at EPHEMOS_CONFIG_PATH, default /etc/ephemos/config.yaml)';

async function main([command = 'serve', ...rest]: readonly string[]): Promise<number> {
  if (command === '--help' || command === '-h') {
    process.stdout.write(`${usage}\n`);
    return exitCodes.ok;
  }
  if (rest.length > 0) throw new UsageError(`unexpected argument ${JSON.stringify(rest[0])}`);
  if (command === 'serve') return runServer();
  if (command === 'health') return runProbe();
  throw new UsageError(`unknown command ${JSON.stringify(command)}`);
}

async function runServer(): Promise<number> {
  const config = readConfig('authorized_clients');
  const stop = new AbortController();
  // Once: a second signal ends the process at once.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  // Loaded only here, so that a probe does not pay for it.
  const { serve } = await import('./serve.ts');
  try {
    await serve(config, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted || !isEphemosError(error, 'ERR_CONNECT_ABORTED')) throw error;
  }
  return exitCodes.ok;
}

async function runProbe(): Promise<number> {
  const { health } = readConfig('authorized_clients');
  const reason = await probe(health);
  if (reason === undefined) {
    process.stdout.write('ready\n');
    return exitCodes.ok;
  }
  throw new Error(`echo-server at ${health.host}:${health.port} is not ready: ${reason}`);
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => process.exit(report(error, usage)),
);
