// ephemos deploy verify: a directory that "ephemos deploy init" made in; whether it is as it was written and fit for production out.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { createStyle, jsonText } from '../output/text.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

interface VerifyOptions extends FormatOption {
  readonly strict?: boolean;
}

/** Makes the command. */
export function createDeployVerify(context: Context): Command {
  const command = new Command('verify')
    .description('check a deployment as it was written: files, keys, and the production checklist over all of it')
    .argument('<directory>', 'what "ephemos deploy init" made')
    .option('--strict', 'end with 5 when there are warnings')
    .addOption(formatOption('one document'))
    .action(async (directory: string, options: VerifyOptions) => context.finish(await verify(directory, options, context)));
  return describe(command, {
    examples: ['ephemos deploy verify deploy/kubernetes', 'ephemos deploy verify orders-stack --strict --format json'],
    exits: {
      0: 'nothing failed; what was skipped was not looked at, what was changed by hand is told',
      1: 'something failed',
      3: 'a directory without a record, or one that is none',
      5: 'warnings, and --strict',
    },
  });
}

async function verify(directory: string, { format, strict = false }: VerifyOptions, context: Context): Promise<number> {
  const [{ verifyProject }, { exitCodeOfReport }, { reportJson, reportText }] = await Promise.all([
    import('../deploy/verify/verify-project.ts'),
    import('../doctor/judge.ts'),
    import('../doctor/report-text.ts'),
  ]);
  const report = await verifyProject(directory, new Date());
  const exitCode = exitCodeOfReport(report, strict);
  context.print(
    format === 'json' ? `${jsonText(reportJson(report, exitCode), 2)}\n` : reportText(report, createStyle(context.color), context.width),
  );
  return exitCode;
}
