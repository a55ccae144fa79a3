// What `ephemos entries apply` and `diff` share: a file and a server in, a plan out, and how it is printed.
import type { ConfigProblem } from '@ephemos/service/config';
import type { Command } from 'commander';
import type { Context, Format } from '../context.ts';
import type { EntriesFile, FileProblems } from '../entries/entries-file.ts';
import { conflictsOf, type Plan, sizeOf } from '../entries/plan.ts';
import { problemJson, problemsText } from '../output/config-report.ts';
import { exitCodes } from '../output/exit-code.ts';
import { createProgress } from '../output/progress.ts';
import { count, createStyle, jsonText } from '../output/text.ts';
import type { SpireServer } from '../spire-server/server.ts';
import { type FormatOption, formatOption } from './options.ts';
import { type ServerFlags, serverCommand, withServer } from './server-command.ts';

/** The flags of both. */
export interface PlanningFlags extends ServerFlags, FormatOption {
  readonly file: string;
  readonly prune?: boolean;
}

/** Makes a command with the flags of both. */
export function planningCommand(name: string, description: string): Command {
  return serverCommand(name, description)
    .requiredOption('-f, --file <path>', 'the entries that are wanted, and their owner')
    .option('--prune', 'delete entries of this owner that are not in the file')
    .addOption(formatOption('one document'));
}

/** What a server and a file make together. */
export type Planned = { readonly plan: Plan } | { readonly refused: FileProblems };

/**
 * Reads the file, plans, and goes on with the plan; or prints what is wrong with the file.
 * @returns the exit code
 */
export async function planned(
  flags: PlanningFlags,
  context: Context,
  next: (plan: Plan, server: SpireServer) => Promise<number>,
): Promise<number> {
  const { readEntriesFile } = await import('../entries/entries-file.ts');
  const file = readEntriesFile(flags.file);
  if ('problems' in file) return printProblems(file, flags.format, context);
  return withServer(flags, context, async (server) => {
    const made = await makePlan(file, flags, server, context);
    return 'refused' in made ? printProblems(made.refused, flags.format, context) : next(made.plan, server);
  });
}

async function makePlan(
  file: EntriesFile,
  { prune = false, format }: PlanningFlags,
  server: SpireServer,
  context: Context,
): Promise<Planned> {
  const { fileProblems, foreignTrustDomain } = await import('../entries/entries-file.ts');
  const { createPlanner } = await import('../entries/plan.ts');
  const trustDomain = await server.fetchTrustDomain();
  const foreign = file.entries.flatMap(({ spiffeId }, index): readonly ConfigProblem[] =>
    spiffeId.startsWith(`spiffe://${trustDomain}/`) ? [] : [file.problemAt(index, 'spiffe_id', foreignTrustDomain(spiffeId, trustDomain))],
  );
  if (foreign.length > 0) return { refused: fileProblems(foreign) };
  const planner = createPlanner(file.entries, { owner: file.owner, prune, now: Date.now() });
  const progress = createProgress('reading', format, context);
  try {
    const total = context.screen === undefined ? 0 : await server.countEntries();
    let seen = 0;
    for await (const page of server.listEntries()) {
      for (const entry of page) planner.see(entry);
      seen += page.length;
      progress.show(seen, total);
    }
  } finally {
    progress.close();
  }
  return { plan: planner.finish() };
}

/** What a plan that is not applied ends with. */
export function exitCodeOfPlan(plan: Plan): number {
  return sizeOf(plan) + conflictsOf(plan).length === 0 ? exitCodes.ok : exitCodes.differs;
}

function printProblems({ problems, total }: FileProblems, format: Format, { print, color }: Context): number {
  const style = createStyle(color);
  print(
    format === 'json'
      ? `${jsonText({ problems: problems.map(problemJson), problemCount: total, exitCode: exitCodes.config }, 2)}\n`
      : `${problemsText(problems, total, style)}\n${style.bad(count(total, 'problem'))}\n`,
  );
  return exitCodes.config;
}
