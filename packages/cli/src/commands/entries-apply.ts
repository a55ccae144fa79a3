// ephemos entries apply: a file of entries in; the server's entries of this owner made as it says, after a plan.
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import type { Applied } from '../entries/apply-plan.ts';
import { conflictsOf, type Plan, sizeOf } from '../entries/plan.ts';
import { exitCodeOf, exitCodes } from '../output/exit-code.ts';
import { appliedJson, appliedText, planJson, planSummary, planText } from '../output/plan-report.ts';
import { createProgress } from '../output/progress.ts';
import { createStyle, jsonText } from '../output/text.ts';
import type { SpireServer } from '../spire-server/server.ts';
import { exitCodeOfPlan, type PlanningFlags, planned, planningCommand } from './entries-planning.ts';
import { describe } from './options.ts';
import { serverExits } from './server-command.ts';

interface ApplyFlags extends PlanningFlags {
  readonly dryRun?: boolean;
}

/** Makes the command. */
export function createEntriesApply(context: Context): Command {
  const command = planningCommand('apply', 'make the entries of an owner as a file says: print the plan, then do it')
    .option('--dry-run', 'print the plan and change nothing; ends with 5 when there is something to do')
    .action(async (flags: ApplyFlags) => context.finish(await apply(flags, context)));
  return describe(command, {
    examples: [
      'ephemos entries apply -f entries.yaml --dry-run --server unix:///run/spire-server/private/api.sock',
      'ephemos entries apply -f entries.yaml --prune --server spire-server:8081',
    ],
    exits: {
      ...serverExits,
      0: 'as the file says now',
      1: 'an entry was refused or is in conflict with one of others, or the server does not answer',
      3: 'config: the file, the address of the server; a socket that is not there or may not be opened',
      5: 'with --dry-run: there is something to do',
    },
  });
}

function apply(flags: ApplyFlags, context: Context): Promise<number> {
  return planned(flags, context, async (plan, server) => {
    const style = createStyle(context.color);
    if (flags.format === 'text') context.print(`${planText(plan, style)}${planSummary(plan, style)}`);
    if (flags.dryRun === true) {
      const exitCode = exitCodeOfPlan(plan);
      if (flags.format === 'json') context.print(`${jsonText({ ...planJson(plan), applied: null, exitCode }, 2)}\n`);
      return exitCode;
    }
    const began = performance.now();
    const applied = await run(plan, server, flags, context);
    const exitCode = exitCodeOfApplied(plan, applied);
    if (flags.format === 'json') context.print(`${jsonText({ ...planJson(plan), applied: appliedJson(applied), exitCode }, 2)}\n`);
    else if (sizeOf(plan) > 0) context.print(appliedText(applied, (performance.now() - began) / 1000, style));
    if (applied.cause !== undefined) throw applied.cause;
    if (applied.remaining > 0) {
      throw new CommandError('ERR_COMMAND_STOPPED', 'stopped before everything was done', {
        exitCode,
        hint: 'run it again: it does what is still to be done',
      });
    }
    return exitCode;
  });
}

async function run(plan: Plan, server: SpireServer, { format }: ApplyFlags, context: Context): Promise<Applied> {
  const { applyPlan } = await import('../entries/apply-plan.ts');
  const progress = createProgress('applying', format, context);
  try {
    return await applyPlan(plan, server, { signal: context.untilStopped(), onProgress: (done, total) => progress.show(done, total) });
  } finally {
    progress.close();
  }
}

function exitCodeOfApplied(plan: Plan, { failures, remaining, cause }: Applied): number {
  if (cause !== undefined) return exitCodeOf(cause);
  return failures.length + remaining + conflictsOf(plan).length === 0 ? exitCodes.ok : exitCodes.failed;
}
