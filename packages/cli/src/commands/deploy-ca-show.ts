// ephemos deploy ca show: a directory in; the authorities that are in it, until when, and what is wrong with them, out.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import type { CaShown } from '../deploy/ca/show-ca.ts';
import { exitCodes } from '../output/exit-code.ts';
import { columns, createStyle, jsonText, printable } from '../output/text.ts';
import { caTtlOption, lifeText } from './deploy-ca-options.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

interface ShowOptions extends FormatOption {
  readonly caTtl: number;
}

/** Makes the command. */
export function createDeployCaShow(context: Context): Command {
  const command = new Command('show')
    .description('list the certificates of a directory of "ephemos deploy ca", and when each has to be replaced')
    .argument('<directory>', 'what was --offline or --out')
    .addOption(caTtlOption())
    .addOption(formatOption('one document'))
    .action(async (directory: string, options: ShowOptions) => context.finish(await show(directory, options, context)));
  return describe(command, {
    examples: ['ephemos deploy ca show upstream', 'ephemos deploy ca show /etc/spire/upstream --format json'],
    exits: { 1: 'one is due, or does not do', 3: 'there is nothing to show' },
  });
}

async function show(directory: string, { caTtl, format }: ShowOptions, context: Context): Promise<number> {
  const { showCa } = await import('../deploy/ca/show-ca.ts');
  const shown = showCa(directory, { authority: caTtl, now: new Date() });
  const exitCode = shown.some(({ late, problem }) => late || problem !== undefined) ? exitCodes.failed : exitCodes.ok;
  context.print(format === 'json' ? `${jsonText({ certificates: shown.map(shownJson), exitCode }, 2)}\n` : showText(shown, context));
  return exitCode;
}

function showText(shown: readonly CaShown[], { color }: Context): string {
  const style = createStyle(color);
  const rows = shown.map((each) => {
    const mark = each.problem !== undefined ? style.bad('wrong') : each.late ? style.warn('due') : style.good('good');
    return [mark, each.what, printable(each.path), each.problem === undefined ? lifeText(each, style) : style.bad(printable(each.problem))];
  });
  return `${columns(rows)}\n`;
}

function shownJson({ path, what, subject, domain, until, due, late, problem }: CaShown): object {
  return {
    what,
    path,
    subject,
    domain: domain ?? null,
    until: until.toISOString(),
    due: due.toISOString(),
    late,
    problem: problem ?? null,
  };
}
