// ephemos entries diff: a file of entries in; what applying it would change out.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { planJson, planSummary, planText } from '../output/plan-report.ts';
import { createStyle, jsonText } from '../output/text.ts';
import { exitCodeOfPlan, type PlanningFlags, planned, planningCommand } from './entries-planning.ts';
import { describe } from './options.ts';
import { serverExits } from './server-command.ts';

/** Makes the command. */
export function createEntriesDiff(context: Context): Command {
  const command = planningCommand('diff', 'show what applying a file would change; ends with 5 when that is something').action(
    async (flags: PlanningFlags) => context.finish(await diff(flags, context)),
  );
  return describe(command, {
    examples: ['ephemos entries diff -f entries.yaml --prune --server unix:///run/spire-server/private/api.sock'],
    exits: {
      ...serverExits,
      0: 'the server is as the file says',
      3: 'config: the file, the address of the server; a socket that is not there or may not be opened',
      5: 'it is not',
    },
  });
}

function diff(flags: PlanningFlags, context: Context): Promise<number> {
  return planned(flags, context, async (plan) => {
    const exitCode = exitCodeOfPlan(plan);
    const style = createStyle(context.color);
    context.print(
      flags.format === 'json' ? `${jsonText({ ...planJson(plan), exitCode }, 2)}\n` : `${planText(plan, style)}${planSummary(plan, style)}`,
    );
    return exitCode;
  });
}
