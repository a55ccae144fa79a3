// ephemos deploy render: a spire.yaml in, the configuration of SPIRE out, as files that only their owner may read.
import { dirname } from 'node:path';
import { Command } from 'commander';
import type { Context } from '../context.ts';
import type { FileChange } from '../deploy/write-files.ts';
import { problemJson, problemsText } from '../output/config-report.ts';
import { reportOf } from '../output/error.ts';
import { exitCodes } from '../output/exit-code.ts';
import { columns, createStyle, jsonText, printable } from '../output/text.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

interface RenderOptions extends FormatOption {
  readonly out?: string;
  readonly dryRun?: boolean;
}

/** Makes the command. */
export function createDeployRender(context: Context): Command {
  const command = new Command('render')
    .description('write server.conf, agent.conf and what stands around them from one file that says everything once')
    .argument('<file>', 'the spire.yaml')
    .option('--out <directory>', 'where to (default: beside the file)')
    .option('--dry-run', 'write nothing; end with 5 when something would be written')
    .addOption(formatOption('one document'))
    .action(async (file: string, options: RenderOptions) => context.finish(await render(file, options, context)));
  return describe(command, {
    examples: ['ephemos deploy render spire.yaml --out /etc/spire', 'ephemos deploy render /etc/spire/spire.yaml --dry-run'],
    exits: { 3: 'a file that is not valid, or one in the way that was not rendered', 5: 'with --dry-run: something would be written' },
  });
}

async function render(file: string, options: RenderOptions, context: Context): Promise<number> {
  const [{ ConfigError }, { readSpire }, { RENDERED_MARK, renderSpire }, { writeFiles }] = await Promise.all([
    import('@ephemos/service/config'),
    import('../deploy/spire/read-spire.ts'),
    import('../deploy/spire/render-spire.ts'),
    import('../deploy/write-files.ts'),
  ]);
  try {
    const files = renderSpire(readSpire(file));
    const dryRun = options.dryRun === true;
    const changes = writeFiles(options.out ?? dirname(file), files, { dryRun, mark: RENDERED_MARK });
    const exitCode = dryRun && changes.some(({ state }) => state !== 'same') ? exitCodes.differs : exitCodes.ok;
    context.print(
      options.format === 'json' ? `${jsonText({ written: !dryRun, files: changes, exitCode }, 2)}\n` : changesText(changes, context),
    );
    return exitCode;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems, total } = error;
    context.printError(
      options.format === 'json'
        ? `${jsonText({ error: reportOf(error), problems: problems.map(problemJson), exitCode: exitCodes.config })}\n`
        : problemsText(problems, total, createStyle(false)),
    );
    return exitCodes.config;
  }
}

function changesText(changes: readonly FileChange[], { color }: Context): string {
  const style = createStyle(color);
  const marks = { new: style.good('new'), changed: style.warn('changed'), same: style.dim('same') };
  return `${columns(changes.map(({ path, state }) => [marks[state], printable(path)]))}\n`;
}
