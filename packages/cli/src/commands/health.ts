// ephemos health: asks a running service how it does, in time for a container's HEALTHCHECK.
import type { ProbeName, ProbeResult } from '@ephemos/service/probe';
import { Command, Option } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import { type Address, formatAddress, parseAddress } from '../input/address.ts';
import { MAX_WAIT_MS, parseDuration } from '../input/duration.ts';
import { exitCodes } from '../output/exit-code.ts';
import { createStyle, jsonText, printable } from '../output/text.ts';
import { readServiceAddresses } from '../service-addresses.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

interface HealthOptions extends FormatOption {
  readonly address?: Address;
  readonly config?: string;
  readonly check: ProbeName;
  readonly grpc?: boolean;
  readonly timeout: number;
}

/** Makes the command. */
export function createHealth(context: Context): Command {
  const command = new Command('health')
    .description('ask a running service whether it is healthy; for the HEALTHCHECK of a container')
    .addOption(new Option('--address <host:port>', 'where its probes are answered').argParser(parseAddress))
    .option('--config <file>', 'read the address from this configuration (default: EPHEMOS_CONFIG_PATH, then /etc/ephemos/config.yaml)')
    .addOption(new Option('--check <name>', 'what to ask').choices(['live', 'ready', 'startup']).default('ready'))
    .option('--grpc', 'ask with gRPC, as kubelet does; it names no checks')
    .addOption(
      new Option('--timeout <duration>', 'how long the answer may take')
        .argParser((text) => parseDuration(text, MAX_WAIT_MS))
        .default(3_000, '3s'),
    )
    .addOption(formatOption('one document'))
    .action(async (options: HealthOptions) => context.finish(await health(options, context)));
  return describe(command, {
    examples: ['ephemos health --address 127.0.0.1:9080', 'ephemos health --check live --config ./config.yaml'],
    exits: {
      0: 'healthy',
      1: 'not healthy, or no answer',
      3: 'config: the file that says where to ask',
      4: 'not used: no identity is needed',
    },
  });
}

async function health(options: HealthOptions, context: Context): Promise<number> {
  const { check, grpc, timeout, format } = options;
  const address = await addressOf(options, context);
  const { probe } = await import('@ephemos/service/probe');
  const protocol = grpc === true ? 'grpc' : 'http';
  const result = await probe({ address, check, protocol, timeout });
  context.print(
    format === 'json'
      ? `${jsonText({ address: formatAddress(address), check, protocol, ...result, reason: result.reason ?? null }, 2)}\n`
      : `${lineOf(check, formatAddress(address), result, context)}\n`,
  );
  return result.ok ? exitCodes.ok : exitCodes.failed;
}

async function addressOf({ address, config }: HealthOptions, context: Context): Promise<Address> {
  if (address === undefined) return (await readServiceAddresses(config, '--address', context)).health;
  if (config === undefined) return address;
  throw new CommandError('ERR_USAGE_INVALID', 'only one of --address and --config can say where to ask', {
    exitCode: exitCodes.usage,
    hint: 'leave out one of them',
  });
}

const words: Readonly<Record<ProbeName, string>> = { live: 'live', ready: 'ready', startup: 'started' };

function lineOf(check: ProbeName, address: string, { ok, reachable, reason = '' }: ProbeResult, { color }: Context): string {
  const style = createStyle(color);
  if (ok) return style.good(words[check]);
  return `${style.bad(`not ${words[check]}`)}: ${reachable ? '' : `no answer from ${address}: `}${printable(reason)}`;
}
