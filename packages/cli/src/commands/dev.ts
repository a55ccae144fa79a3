// ephemos dev: the development agent in the foreground, with the lines to paste and then what happens, until it is stopped.

import type { DevAgent } from '@ephemos/dev';
import { Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { agentDirectory } from '../dev-agent/directory.ts';
import { loadDev } from '../dev-agent/load.ts';
import { createDevLog } from '../dev-agent/log.ts';
import { MAX_DURATION_MS, parseDuration } from '../input/duration.ts';
import { parseId, parseTrustDomain } from '../input/values.ts';
import { createDevExec } from './dev-exec.ts';
import { createDevList } from './dev-list.ts';
import { createDevRestore } from './dev-restore.ts';
import { createDevRotate } from './dev-rotate.ts';
import { createDevWithdraw } from './dev-withdraw.ts';
import { describe, directoryOption, type FormatOption, formatOption } from './options.ts';

interface DevOptions extends FormatOption {
  readonly trustDomain: string;
  readonly directory?: string;
  readonly id?: readonly string[];
  readonly svidTtl: number;
  readonly intermediate?: boolean;
}

/** Makes the command with those below it. */
export function createDev(context: Context): Command {
  const command = new Command('dev')
    .description('run a development agent: a Workload API for this machine, with a CA of its own, until Ctrl-C')
    .enablePositionalOptions()
    .option('--trust-domain <name>', 'the trust domain that it serves', 'example.org')
    .option(
      '--id <spiffe id>',
      'an identity to give out from the start; may be given again',
      (id: string, before: readonly string[] | undefined) => [...(before ?? []), id],
    )
    .addOption(
      new Option('--svid-ttl <duration>', 'life of an SVID; it is rotated at half of it').argParser(parseTtl).default(3_600_000, '1h'),
    )
    .option('--intermediate', 'sign SVIDs with an intermediate instead of the root')
    .addOption(directoryOption())
    .addOption(formatOption('one line per event'))
    .action((options: DevOptions) => dev(options, context));
  for (const below of [createDevExec, createDevList, createDevRotate, createDevWithdraw, createDevRestore])
    command.addCommand(below(context));
  return describe(command, {
    examples: [
      'ephemos dev',
      'ephemos dev --id spiffe://example.org/web --svid-ttl 30s',
      'ephemos dev exec --as spiffe://example.org/web -- node server.js',
    ],
    exits: {
      0: 'ended by Ctrl-C or SIGTERM',
      3: 'config: trust domain, SPIFFE ID, or a directory that is not ours or that another agent uses',
    },
  });
}

function parseTtl(text: string): number {
  return parseDuration(text, MAX_DURATION_MS);
}

async function dev(options: DevOptions, context: Context): Promise<void> {
  const trustDomain = parseTrustDomain(options.trustDomain, '--trust-domain');
  const ids = (options.id ?? []).map((id) => parseId(id, '--id'));
  const { openDevAgent } = await loadDev();
  // Caught before anything is opened, so that a stop at any moment cleans up.
  const stopped = context.untilStopped();
  const log = createDevLog(options.format, context);
  await using agent = await openDevAgent({
    trustDomain,
    directory: agentDirectory(options.directory, context.env),
    svidTtlSeconds: options.svidTtl / 1000,
    intermediate: options.intermediate,
    onEvent: log.event,
  });
  log.started(agent, await endpointsOf(agent, ids), options.svidTtl);
  await new Promise<void>((resolve) => {
    if (stopped.aborted) resolve();
    else stopped.addEventListener('abort', () => resolve(), { once: true });
  });
  log.stopping();
}

async function endpointsOf(agent: DevAgent, ids: readonly { toString(): string }[]): Promise<ReadonlyMap<string, string>> {
  const endpoints = new Map<string, string>();
  for (const id of ids) endpoints.set(id.toString(), await agent.endpointFor(id.toString()));
  return endpoints;
}
