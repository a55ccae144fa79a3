// ephemos config validate: the configuration of a service, read as the service would read it, with everything that is wrong with it.
import type { Config, LoadOptions } from '@ephemos/service/config';
import { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import { type ConfigReport, configReportJson, configReportText, type Remark } from '../output/config-report.ts';
import { exitCodes } from '../output/exit-code.ts';
import { createStyle, jsonText } from '../output/text.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

interface ValidateOptions extends FormatOption {
  readonly production?: boolean;
  readonly strict?: boolean;
  readonly envOnly?: boolean;
  readonly print?: boolean;
}

/** Makes the command. */
export function createConfigValidate(context: Context): Command {
  const command = new Command('validate')
    .description('read the configuration of a service as the service would; show everything that is wrong with it')
    .argument('[file]', 'the file (default: EPHEMOS_CONFIG_PATH, then /etc/ephemos/config.yaml)')
    .option('--production', 'look for what does not belong in production too')
    .option('--strict', 'end with 5 when there are warnings or findings')
    .option('--env-only', 'read no file: the variables are the whole configuration')
    .option('--print', 'show the value of every key, and where it was set')
    .addOption(formatOption('one document'))
    .action(async (file: string | undefined, options: ValidateOptions) => context.finish(await validate(file, options, context)));
  return describe(command, {
    examples: ['ephemos config validate ./config.yaml', 'ephemos config validate --production --strict', 'ephemos config validate --print'],
    exits: {
      0: 'valid; with --production: and fit for it',
      1: 'valid, and --production found something',
      3: 'not valid',
      5: 'valid, with warnings or findings, and --strict',
    },
  });
}

async function validate(file: string | undefined, options: ValidateOptions, context: Context): Promise<number> {
  if (file !== undefined && options.envOnly === true) {
    throw new CommandError('ERR_USAGE_INVALID', 'there is no file with --env-only', {
      exitCode: exitCodes.usage,
      hint: 'leave out the file, or --env-only',
    });
  }
  const report = await judge(options.envOnly === true ? false : file, options, context);
  const exitCode = exitCodeOfReport(report, options.strict === true);
  context.print(
    options.format === 'json'
      ? `${jsonText(configReportJson(report, exitCode), 2)}\n`
      : configReportText(report, createStyle(context.color)),
  );
  return exitCode;
}

async function judge(path: LoadOptions['path'], options: ValidateOptions, { env }: Context): Promise<ConfigReport> {
  const { ConfigError, checkRules, configPath, effectiveSettings, loadConfig, productionFindings } = await import(
    '@ephemos/service/config'
  );
  const load: LoadOptions = { path, env, checkPolicy: checkRules };
  try {
    const config = loadConfig(load);
    return {
      name: configPath(load) ?? 'the environment',
      id: config.service.spiffeId.toString(),
      problems: [],
      total: 0,
      warnings: warningsOf(config),
      findings:
        options.production === true
          ? productionFindings(config, env).map(({ id, message, tip }) => ({ id, message, hint: tip }))
          : undefined,
      settings: options.print === true ? effectiveSettings(config, load) : undefined,
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems, total } = error;
    return { name: '', id: undefined, problems, total, warnings: [], findings: undefined, settings: undefined };
  }
}

function warningsOf({ service, policy }: Config): readonly Remark[] {
  if (service.authorizedClients !== undefined || policy !== undefined) return [];
  return [
    {
      id: 'policy.missing',
      message: 'neither service.authorized_clients nor policy is there, so nobody may connect',
      hint: 'add one of them; "policy: { rules: [] }" says that it is meant',
    },
  ];
}

function exitCodeOfReport({ id, warnings, findings = [] }: ConfigReport, strict: boolean): number {
  if (id === undefined) return exitCodes.config;
  if (strict && warnings.length + findings.length > 0) return exitCodes.differs;
  return findings.length > 0 ? exitCodes.failed : exitCodes.ok;
}
