// ephemos entries: who gets which identity, as SPIRE's server has it and as a file says it should be.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { createEntriesApply } from './entries-apply.ts';
import { createEntriesDelete } from './entries-delete.ts';
import { createEntriesDiff } from './entries-diff.ts';
import { createEntriesExport } from './entries-export.ts';
import { createEntriesList } from './entries-list.ts';
import { describe } from './options.ts';
import { serverExits } from './server-command.ts';

/** Makes the command with those below it. */
export function createEntries(context: Context): Command {
  const command = new Command('entries').description("see and change the registration entries of SPIRE's server");
  for (const below of [createEntriesApply, createEntriesDiff, createEntriesList, createEntriesExport, createEntriesDelete])
    command.addCommand(below(context));
  return describe(command, {
    examples: ['ephemos entries apply -f entries.yaml --dry-run --server unix:///run/spire-server/private/api.sock'],
    exits: { ...serverExits, 5: 'differs' },
  });
}
