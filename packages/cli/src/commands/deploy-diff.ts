// ephemos deploy diff: a directory that "ephemos deploy init" made in; what this Ephemos would change in it out.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import type { FileDifference, FileState, ProjectDifference } from '../deploy/diff/diff-project.ts';
import { exitCodes } from '../output/exit-code.ts';
import { columns, count, createStyle, jsonText, printable, type Style } from '../output/text.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

/** Makes the command. */
export function createDeployDiff(context: Context): Command {
  const command = new Command('diff')
    .description('show what this Ephemos would change in a deployment that was written before, and what was changed by hand; write nothing')
    .argument('<directory>', 'what "ephemos deploy init" made')
    .addOption(formatOption('one document'))
    .action(async (directory: string, options: FormatOption) => context.finish(await diff(directory, options, context)));
  return describe(command, {
    examples: ['ephemos deploy diff deploy/kubernetes', 'ephemos deploy diff orders-stack --format json'],
    exits: {
      0: 'there is nothing to change; what was changed by hand is shown, and is yours',
      3: 'a directory without a record, or answers that do not do any more',
      5: 'something would be changed',
    },
  });
}

async function diff(directory: string, { format }: FormatOption, context: Context): Promise<number> {
  const { diffProject, differs } = await import('../deploy/diff/diff-project.ts');
  const found = await diffProject(directory);
  const exitCode = differs(found) ? exitCodes.differs : exitCodes.ok;
  context.print(
    format === 'json' ? `${jsonText(reportJson(found, exitCode), 2)}\n` : reportText(found, directory, createStyle(context.color)),
  );
  return exitCode;
}

const MEANINGS: Readonly<Record<Exclude<FileState, 'same'>, readonly [tone: keyof Style, means: string]>> = {
  changed: ['warn', 'Ephemos writes it otherwise now'],
  both: ['bad', 'changed by hand, and Ephemos writes it otherwise now: move it away, run init, bring your changes back'],
  yours: ['good', 'changed by hand; Ephemos writes what it wrote'],
  new: ['good', 'Ephemos writes it now, and did not before'],
  removed: ['warn', 'Ephemos does not write it any more: remove it'],
  missing: ['bad', 'it was written, and is not there'],
};

function reportText(found: ProjectDifference, directory: string, style: Style): string {
  const { files } = found;
  const rows = files.flatMap(({ name, state }) => {
    if (state === 'same') return [];
    const [tone, means] = MEANINGS[state];
    return [[style[tone](state), printable(name), means]];
  });
  const same = files.filter(({ state }) => state === 'same').length;
  const parts = files.flatMap((file) => diffText(file, style));
  const mend = files.some(({ state }) => ['changed', 'new', 'missing'].includes(state))
    ? `write it: ephemos deploy init --target ${found.target} --out ${printable(directory)}\n`
    : '';
  return [
    ...(rows.length === 0 ? [] : [`${columns(rows)}\n`]),
    ...parts.map((part) => `\n${part}`),
    `${rows.length === 0 ? '' : '\n'}${count(same, 'file')} as this Ephemos writes ${same === 1 ? 'it' : 'them'}\n${mend}`,
  ].join('');
}

function diffText({ name, state, diff: text }: FileDifference, style: Style): readonly string[] {
  if (state === 'same' || state === 'removed') return [];
  if (text === undefined) return [`${printable(name)}: too much differs to be shown\n`];
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => tone(line, style)(printable(line)));
  return [`${lines.join('\n')}\n`];
}

function tone(line: string, style: Style): (text: string) => string {
  if (/^(?:---|\+\+\+) /.test(line)) return style.bold;
  if (line.startsWith('@@')) return style.dim;
  if (line.startsWith('+')) return style.good;
  return line.startsWith('-') ? style.bad : (text) => text;
}

function reportJson({ target, files }: ProjectDifference, exitCode: number): object {
  return { target, files: files.map(({ name, state, diff: text }) => ({ name, state, diff: text ?? null })), exitCode };
}
