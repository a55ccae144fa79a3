// ephemos doctor: the files of a deployment, or a running system, in; a checklist with what is wrong, how that was seen and what mends it out.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import type { Report } from '../doctor/judge.ts';
import type { LiveOptions } from '../doctor/live/gather.ts';
import { parseHealthUrl } from '../doctor/live/health.ts';
import { type Address, parseAddress } from '../input/address.ts';
import { MAX_WAIT_MS, parseDuration } from '../input/duration.ts';
import { parseId, parseTrustDomain } from '../input/values.ts';
import { exitCodes } from '../output/exit-code.ts';
import { createStyle, jsonText } from '../output/text.ts';
import { describe, socketOption } from './options.ts';

interface DoctorFlags {
  readonly format: 'text' | 'json' | 'junit' | 'sarif';
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
    .description('check a deployment, by its files or as it runs; show what is wrong, and what mends it')
    .argument('[path...]', 'files and directories of a deployment; - for manifests on standard input')
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
    .addOption(
      new Option('--format <format>', 'text for people, json, junit or sarif for programs (one document)')
        .choices(['text', 'json', 'junit', 'sarif'])
        .default('text'),
    )
    .action(async (paths: readonly string[], flags: DoctorFlags) => {
      context.finish(await doctor(paths, flags, command.parent?.version() ?? 'unknown', context));
    });
  return describe(command, {
    examples: [
      'ephemos doctor ./deploy',
      'kustomize build overlays/production | ephemos doctor - --format sarif',
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

async function doctor(paths: readonly string[], flags: DoctorFlags, version: string, context: Context): Promise<number> {
  if (flags.live !== true && paths.length === 0) {
    throw new CommandError('ERR_USAGE_INVALID', 'nothing says what to check', {
      exitCode: exitCodes.usage,
      hint: 'give files or directories, or --live',
    });
  }
  const [{ exitCodeOfReport, joinReports }, files, live] = await Promise.all([
    import('../doctor/judge.ts'),
    paths.length === 0 ? undefined : ofFiles(paths),
    flags.live === true ? ofRunning(flags, context) : undefined,
  ]);
  const used = [files, live].filter((each) => each !== undefined);
  const isWanted = wantedRules(
    flags.only,
    used.flatMap(({ rules }) => rules),
  );
  const report = joinReports(...(await Promise.all(used.map((each) => each.judge(isWanted)))));
  const exitCode = exitCodeOfReport(report, flags.strict === true);
  context.print(await textOf(report, exitCode, flags, version, context));
  return exitCode;
}

/** What can be judged, and when it is. */
interface Judge {
  readonly rules: readonly string[];
  judge(isWanted: (ruleId: string) => boolean): Promise<Report>;
}

async function ofFiles(paths: readonly string[]): Promise<Judge> {
  const [{ readDocuments }, { staticChecklist }, { judge }] = await Promise.all([
    import('../doctor/documents/read-documents.ts'),
    import('../doctor/static/checklist.ts'),
    import('../doctor/judge.ts'),
  ]);
  return {
    rules: staticChecklist.flatMap(({ rules }) => rules.map(({ id }) => id)),
    judge: async (isWanted) =>
      judge(
        staticChecklist,
        readDocuments(paths, () => readFileSync(0, 'utf8')),
        isWanted,
      ),
  };
}

async function ofRunning(flags: DoctorFlags, context: Context): Promise<Judge> {
  const [{ gather }, { liveChecklist }, { judge }] = await Promise.all([
    import('../doctor/live/gather.ts'),
    import('../doctor/checklist.ts'),
    import('../doctor/judge.ts'),
  ]);
  return {
    rules: liveChecklist.flatMap(({ rules }) => rules.map(({ id }) => id)),
    judge: async (isWanted) => judge(liveChecklist, await gather(await readOptions(flags, context), context), isWanted),
  };
}

async function textOf(
  report: Report,
  exitCode: number,
  { format, strict }: DoctorFlags,
  version: string,
  context: Context,
): Promise<string> {
  if (format === 'junit') {
    const { reportJunit } = await import('../doctor/report-junit.ts');
    return reportJunit(report, strict === true);
  }
  if (format === 'sarif') {
    const { reportSarif } = await import('../doctor/report-sarif.ts');
    return `${jsonText(reportSarif(report, { exitCode, version, directory: resolve('.') }), 2)}\n`;
  }
  const { reportJson, reportText } = await import('../doctor/report-text.ts');
  return format === 'json'
    ? `${jsonText(reportJson(report, exitCode), 2)}\n`
    : reportText(report, createStyle(context.color), context.width);
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
