// ephemos entries list: the entries that a server has, and whose they are.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import type { Entry } from '../entries/entry.ts';
import { ownerOf } from '../entries/ownership.ts';
import { entryJson, entryLines } from '../output/entry-text.ts';
import { countEntries } from '../output/plan-report.ts';
import { createStyle, jsonText, printable, type Style } from '../output/text.ts';
import { addSelection, ownerOption, readFilter, type SelectionFlags, selectEntries } from './entries-selection.ts';
import { describe, type FormatOption, formatOption } from './options.ts';
import { type ServerFlags, serverCommand, serverExits, withServer } from './server-command.ts';

interface ListFlags extends ServerFlags, SelectionFlags, FormatOption {}

/** Makes the command. */
export function createEntriesList(context: Context): Command {
  const command = addSelection(serverCommand('list', 'show the entries of a server, and whose they are'))
    .addOption(ownerOption('entries of this owner only'))
    .addOption(formatOption('one document'))
    .action((flags: ListFlags) => list(flags, context));
  return describe(command, {
    examples: [
      'ephemos entries list --server unix:///run/spire-server/private/api.sock',
      'ephemos entries list --owner shop --id spiffe://example.org/orders --format json --server spire-server:8081',
    ],
    exits: serverExits,
  });
}

async function list(flags: ListFlags, context: Context): Promise<void> {
  const filter = readFilter(flags);
  const entries = await withServer(flags, context, (server) => selectEntries(server, filter, flags.owner));
  const style = createStyle(context.color);
  if (flags.format === 'json') context.print(`${jsonText({ entries: entries.map(entryJson) }, 2)}\n`);
  else context.print(`${entries.map((entry) => entryText(entry, style)).join('')}${countEntries(entries.length)}\n`);
}

function entryText(entry: Entry, style: Style): string {
  const owner = ownerOf(entry.entryId);
  const whose = owner === undefined ? 'of others' : `of ${owner}`;
  const head = `${style.bold(printable(entry.spiffeId))}  ${style.dim(`${printable(entry.entryId)}, ${whose}`)}`;
  return `${head}\n${entryLines(entry, style)}\n\n`;
}
