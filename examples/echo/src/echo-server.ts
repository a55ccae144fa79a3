#!/usr/bin/env node
// The echo server as a command: `serve` (also without a word, as containers start it) and `health`, which probes a server that runs.
import { loadConfig } from '@ephemos/service/config';
import { probe } from '@ephemos/service/probe';
import { exitCodes } from 'ephemos/errors';
import { Failure, report } from './failure.ts';

const usage = 'usage: echo-server [serve | health]   (configuration: the file at EPHEMOS_CONFIG_PATH, default /etc/ephemos/config.yaml)';

async function health(): Promise<void> {
  const { ok, reachable, reason } = await probe({ address: loadConfig().health.address });
  const hint = reachable ? 'its log says more' : 'is it running, and is health.address where it answers?';
  if (!ok) throw new Failure(exitCodes.failed, `echo-server is not ready: ${reason}`, hint);
  process.stdout.write('ready\n');
}

async function main([command = 'serve', ...rest]: readonly string[]): Promise<void> {
  if (command === '--help' || command === '-h') return void process.stdout.write(`${usage}\n`);
  if (rest.length > 0) throw new Failure(exitCodes.usage, `unexpected argument ${JSON.stringify(rest[0])}`, usage);
  // Loaded when it is needed: `health` runs every few seconds, in the memory of the server.
  if (command === 'serve') return (await import('./serve.ts')).serve();
  if (command === 'health') return health();
  throw new Failure(exitCodes.usage, `unknown command ${JSON.stringify(command)}`, usage);
}

main(process.argv.slice(2)).then(
  () => process.exit(exitCodes.ok),
  (error: unknown) => process.exit(report(error)),
);
