// ephemos entries delete: entries that are named in; deleted, when all of them are there and belong to whom they are said to.
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import type { Applied } from '../entries/apply-plan.ts';
import type { Entry } from '../entries/entry.ts';
import { ownerOf } from '../entries/ownership.ts';
import type { Plan } from '../entries/plan.ts';
import { parseId } from '../input/values.ts';
import { entryJson } from '../output/entry-text.ts';
import { exitCodeOf, exitCodes } from '../output/exit-code.ts';
import { appliedJson, appliedText, planSummary, planText } from '../output/plan-report.ts';
import { createStyle, jsonText } from '../output/text.ts';
import type { SpireServer } from '../spire-server/server.ts';
import { ownerOption } from './entries-selection.ts';
import { describe, type FormatOption, formatOption } from './options.ts';
import { type ServerFlags, serverCommand, serverExits, withServer } from './server-command.ts';

interface DeleteFlags extends ServerFlags, FormatOption {
  readonly owner?: string;
  readonly anyOwner?: boolean;
  readonly dryRun?: boolean;
}

/** Makes the command. */
export function createEntriesDelete(context: Context): Command {
  const command = serverCommand('delete', 'delete entries; all that are named, or none')
    .argument('<entry...>', 'entry IDs, or SPIFFE IDs for every entry with that ID')
    .addOption(ownerOption('whose they are'))
    .option('--any-owner', 'delete entries of others too')
    .option('--dry-run', 'show them and delete nothing; ends with 5')
    .addOption(formatOption('one document'))
    .action(async (names: readonly string[], flags: DeleteFlags) => context.finish(await deleteEntries(names, flags, context)));
  return describe(command, {
    examples: [
      'ephemos entries delete spiffe://example.org/orders --owner shop --server unix:///run/spire-server/private/api.sock',
      'ephemos entries delete 1c2f6d1e-7c0a-4f0e-9d3c-2a2f0d4a7b11 --any-owner --dry-run --server spire-server:8081',
    ],
    exits: {
      ...serverExits,
      1: 'one is not there or belongs to others: none is deleted; or the server does not answer',
      5: 'with --dry-run',
    },
  });
}

async function deleteEntries(names: readonly string[], flags: DeleteFlags, context: Context): Promise<number> {
  const { owner, anyOwner, dryRun, format } = flags;
  if ((owner === undefined) === (anyOwner === undefined)) {
    throw new CommandError(
      'ERR_USAGE_INVALID',
      owner === undefined ? 'nothing says whose they are' : 'only one of --owner and --any-owner can hold',
      {
        exitCode: exitCodes.usage,
        hint: 'give --owner <name>, or --any-owner to delete entries of others too',
      },
    );
  }
  const wanted = names.map((name) => (name.includes('://') ? { spiffeId: parseId(name, 'the entry').toString() } : { entryId: name }));
  return withServer(flags, context, async (server) => {
    const entries = await find(wanted, server);
    refuseOthers(entries, owner);
    const plan: Plan = { ...NOTHING, owner: owner ?? '', delete: entries };
    const style = createStyle(context.color);
    if (format === 'text') context.print(planText(plan, style));
    if (dryRun === true) {
      context.print(format === 'text' ? planSummary(plan, style) : documentText(entries, undefined, exitCodes.differs));
      return exitCodes.differs;
    }
    const { applyPlan } = await import('../entries/apply-plan.ts');
    const began = performance.now();
    const applied = await applyPlan(plan, server, { signal: context.untilStopped(), onProgress: () => undefined });
    const failed = applied.failures.length + applied.remaining > 0;
    const exitCode = applied.cause === undefined ? (failed ? exitCodes.failed : exitCodes.ok) : exitCodeOf(applied.cause);
    context.print(
      format === 'text' ? appliedText(applied, (performance.now() - began) / 1000, style) : documentText(entries, applied, exitCode),
    );
    if (applied.cause !== undefined) throw applied.cause;
    return exitCode;
  });
}

const NOTHING: Plan = { owner: '', create: [], update: [], delete: [], unchanged: 0, left: [], held: [], expired: [] };

type Wanted = { readonly spiffeId: string } | { readonly entryId: string };

async function find(wanted: readonly Wanted[], server: SpireServer): Promise<readonly Entry[]> {
  const found = new Map<string, Entry>();
  for (const each of wanted) {
    const entries = 'entryId' in each ? [await server.fetchEntry(each.entryId)] : await all(server, each.spiffeId);
    const there = entries.filter((entry) => entry !== undefined);
    if (there.length === 0) {
      const name = 'entryId' in each ? `entry ${each.entryId}` : `entry for ${each.spiffeId}`;
      throw new CommandError('ERR_ENTRY_NOT_FOUND', `the server has no ${name}`, {
        exitCode: exitCodes.failed,
        hint: 'see "ephemos entries list"; nothing was deleted',
      });
    }
    for (const entry of there) found.set(entry.entryId, entry);
  }
  return [...found.values()];
}

async function all(server: SpireServer, spiffeId: string): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const page of server.listEntries({ spiffeId })) entries.push(...page);
  return entries;
}

function refuseOthers(entries: readonly Entry[], owner: string | undefined): void {
  const other = owner === undefined ? undefined : entries.find(({ entryId }) => ownerOf(entryId) !== owner);
  if (other === undefined) return;
  const whose = ownerOf(other.entryId);
  throw new CommandError(
    'ERR_ENTRY_NOT_OWNED',
    `entry ${other.entryId} for ${other.spiffeId} belongs to ${whose ?? 'others'}, not to ${owner}`,
    {
      exitCode: exitCodes.failed,
      hint: `${whose === undefined ? 'leave it to them' : `give --owner ${whose}`}, or --any-owner to delete it all the same; nothing was deleted`,
    },
  );
}

function documentText(entries: readonly Entry[], applied: Applied | undefined, exitCode: number): string {
  return `${jsonText({ delete: entries.map(entryJson), applied: applied === undefined ? null : appliedJson(applied), exitCode }, 2)}\n`;
}
