// ephemos deploy check: the configurations of SPIRE in, every key that SPIRE would ignore and every contradiction between them out.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import type { SpireCheck } from '../deploy/spire/read-confs.ts';
import { problemJson, problemsText } from '../output/config-report.ts';
import { exitCodes } from '../output/exit-code.ts';
import { count, createStyle, jsonText } from '../output/text.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

/** Makes the command. */
export function createDeployCheck(context: Context): Command {
  const command = new Command('check')
    .description('find the keys that SPIRE would silently ignore, and where server and agent contradict each other')
    .argument('<path...>', 'files, or directories with files that end in .conf')
    .addOption(formatOption('one document'))
    .action(async (paths: readonly string[], options: FormatOption) => context.finish(await check(paths, options, context)));
  return describe(command, {
    examples: ['ephemos deploy check /etc/spire', 'ephemos deploy check server.conf agent.conf --format json'],
    exits: { 0: 'SPIRE reads every key', 3: 'a key that SPIRE does not read, a contradiction, or no HCL at all' },
  });
}

async function check(paths: readonly string[], { format }: FormatOption, context: Context): Promise<number> {
  const [{ checkSpire }, { SPIRE_VERSION }] = await Promise.all([
    import('../deploy/spire/read-confs.ts'),
    import('../deploy/spire/known-keys.ts'),
  ]);
  const found = checkSpire(paths);
  const exitCode = found.total === 0 ? exitCodes.ok : exitCodes.config;
  context.print(
    format === 'json' ? `${jsonText(checkJson(found, SPIRE_VERSION, exitCode), 2)}\n` : checkText(found, SPIRE_VERSION, context),
  );
  return exitCode;
}

function checkText({ confs, problems, total }: SpireCheck, version: string, { color }: Context): string {
  const style = createStyle(color);
  if (total > 0) return `${problemsText(problems, total, style)}\n${style.bad(count(total, 'problem'))}\n`;
  const one = confs.length === 1 ? 'the one file' : `each of the ${confs.length} files`;
  return `${style.good('valid')}  SPIRE ${version} reads every key of ${one}\n`;
}

function checkJson({ confs, problems, total }: SpireCheck, version: string, exitCode: number): object {
  return {
    valid: total === 0,
    spire: version,
    files: confs.map(({ file, program }) => ({ file, program: program ?? null })),
    problems: problems.map(problemJson),
    problemCount: total,
    exitCode,
  };
}
