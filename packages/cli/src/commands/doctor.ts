// ephemos doctor: a running system in, a checklist with what is wrong, how that was seen and what mends it out.
import { Command, Option } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import type { LiveOptions } from '../doctor/live/gather.ts';
import { parseHealthUrl } from '../doctor/live/health.ts';
import { type Address, parseAddress } from '../input/address.ts';
import { MAX_WAIT_MS, parseDuration } from '../input/duration.ts';
import { parseId, parseTrustDomain } from '../input/values.ts';
import { exitCodes } from '../output/exit-code.ts';
import { createStyle, jsonText } from '../output/text.ts';
import { describe, type FormatOption, formatOption, socketOption } from './options.ts';

interface DoctorFlags extends FormatOption {
  readonly live?: boolean;
  readonly socket?: string;
  readonly user?: string;
  readonly id?: string;
  readonly trustDomain?: string;
  readonly config?: string;
  readonly server?: string;
  readonly serverAddress?: Address;
  readonly spireAgentHealth?: URL;
  readonly spireServerHealth?: URL;
  readonly agentLog?: string;
  readonly only?: readonly string[];
  readonly strict?: boolean;
  readonly timeout: number;
}

/** Makes the command. */
export function createDoctor(context: Context): Command {
  const command = new Command('doctor')
    .description('find out why a workload has no identity, or will soon have none; show what mends it')
    .option('--live', 'look at what is running')
    .addOption(socketOption())
    .option('--user <name or uid:gid>', 'ask the agent as this user, as root may')
    .option('--id <spiffe id>', 'the identity that this process should get')
    .option('--trust-domain <name>', 'the trust domain that it should be in')
    .option('--config <file>', 'read identity, trust domain and socket from the configuration of a service')
    .option(
      '--server <address>',
      'compare the entries of spire-server: unix:///path of its admin socket, or host:port to come with an admin SVID (default: SPIRE_SERVER_ADDRESS)',
    )
    .addOption(new Option('--server-address <host:port>', 'where agents dial spire-server').argParser(parseAddress))
    .addOption(new Option('--spire-agent-health <url>', 'health listener of spire-agent, http://host:port').argParser(parseHealthUrl))
    .addOption(new Option('--spire-server-health <url>', 'health listener of spire-server, http://host:port').argParser(parseHealthUrl))
    .option('--agent-log <file>', 'log of spire-agent; the end of it is read')
    .addOption(new Option('--only <ids>', 'these rules alone, with commas between them; an item stands for its rules').argParser(parseIds))
    .option('--strict', 'end with 5 when there are warnings')
    .addOption(
      new Option('--timeout <duration>', 'how long one probe may take')
        .argParser((text) => parseDuration(text, MAX_WAIT_MS))
        .default(5_000, '5s'),
    )
    .addOption(formatOption('one document'))
    .action(async (flags: DoctorFlags) => context.finish(await doctor(flags, context)));
  return describe(command, {
    examples: [
      'ephemos doctor --live',
      'sudo ephemos doctor --live --user orders --server unix:///run/spire-server/private/api.sock',
      'ephemos doctor --live --config ./config.yaml --agent-log /var/log/spire-agent.log --format json',
    ],
    exits: {
      0: 'nothing failed; what was skipped was not looked at',
      1: 'something failed',
      3: 'config: a file or an address that was given',
      4: 'not used: a missing identity is a finding',
      5: 'warnings, and --strict',
    },
  });
}

async function doctor(flags: DoctorFlags, context: Context): Promise<number> {
  if (flags.live !== true) {
    throw new CommandError('ERR_USAGE_INVALID', 'nothing says what to check', { exitCode: exitCodes.usage, hint: 'give --live' });
  }
  const [{ gather }, { liveChecklist }, { exitCodeOfReport, judge }, { reportJson, reportText }] = await Promise.all([
    import('../doctor/live/gather.ts'),
    import('../doctor/checklist.ts'),
    import('../doctor/judge.ts'),
    import('../doctor/report-text.ts'),
  ]);
  const isWanted = wantedRules(
    flags.only,
    liveChecklist.flatMap(({ rules }) => rules.map(({ id }) => id)),
  );
  const report = judge(liveChecklist, await gather(await readOptions(flags, context), context), isWanted);
  const exitCode = exitCodeOfReport(report, flags.strict === true);
  context.print(
    flags.format === 'json'
      ? `${jsonText(reportJson(report, exitCode), 2)}\n`
      : reportText(report, createStyle(context.color), context.width),
  );
  return exitCode;
}

async function readOptions(flags: DoctorFlags, context: Context): Promise<LiveOptions> {
  const { parseAccount } = await import('../doctor/live/accounts.ts');
  const { serverAddress, spireAgentHealth, spireServerHealth, agentLog, timeout, user, server, socket } = flags;
  const configured = flags.config === undefined ? undefined : await readConfig(flags.config, context);
  const id = flags.id === undefined ? configured?.id : parseId(flags.id, '--id');
  const trustDomain =
    flags.trustDomain === undefined
      ? (id?.trustDomain ?? configured?.id.trustDomain)
      : parseTrustDomain(flags.trustDomain, '--trust-domain');
  return {
    endpoint: socket === undefined ? configured?.endpoint : { address: socket, from: '--socket' },
    expected: {
      id,
      trustDomain,
      from: flags.trustDomain !== undefined ? '--trust-domain' : flags.id !== undefined ? '--id' : (flags.config ?? ''),
    },
    account: user === undefined ? undefined : parseAccount(user),
    server,
    serverAddress: serverAddress ?? tlsAddress(server ?? context.env['SPIRE_SERVER_ADDRESS']),
    agentHealth: spireAgentHealth,
    serverHealth: spireServerHealth,
    agentLog,
    timeout,
  };
}

type Configured = Pick<LiveOptions, 'endpoint'> & { readonly id: NonNullable<LiveOptions['expected']['id']> };

async function readConfig(path: string, { env }: Context): Promise<Configured> {
  const { checkRules, loadConfig } = await import('@ephemos/service/config');
  const { service, socket } = loadConfig({ path, env, checkPolicy: checkRules });
  const endpoint = socket === undefined ? undefined : { address: socket.endpoint, from: socket.origin };
  return { id: service.spiffeId, endpoint };
}

// A server that is asked over mTLS is asked where agents dial it.
function tlsAddress(server: string | undefined): Address | undefined {
  if (server === undefined || server === '' || /^unix:|^\//i.test(server)) return undefined;
  try {
    return parseAddress(server);
  } catch {
    // What is wrong with it is told by whoever asks the server.
    return undefined;
  }
}

function parseIds(text: string): readonly string[] {
  return text.split(',').map((id) => id.trim());
}

function wantedRules(only: readonly string[] | undefined, rules: readonly string[]): (ruleId: string) => boolean {
  if (only === undefined) return () => true;
  const fits = (id: string, rule: string): boolean => rule === id || rule.startsWith(`${id}.`);
  const unknown = only.find((id) => !rules.some((rule) => fits(id, rule)));
  if (unknown !== undefined) {
    throw new CommandError('ERR_USAGE_INVALID', `there is no rule ${JSON.stringify(unknown)}`, {
      exitCode: exitCodes.usage,
      hint: `there are ${rules.join(', ')}`,
    });
  }
  return (rule) => only.some((id) => fits(id, rule));
}
