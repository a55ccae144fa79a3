// ephemos entries export: the entries that a server has, as an entries file.
import { type Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { jsonText } from '../output/text.ts';
import { addSelection, ownerOption, readFilter, type SelectionFlags, selectEntries } from './entries-selection.ts';
import { describe } from './options.ts';
import { type ServerFlags, serverCommand, serverExits, withServer } from './server-command.ts';

interface ExportFlags extends ServerFlags, SelectionFlags {
  readonly owner: string;
  readonly all?: boolean;
  readonly format: 'yaml' | 'json';
}

/** Makes the command. */
export function createEntriesExport(context: Context): Command {
  const command = addSelection(serverCommand('export', 'print the entries of an owner as a file for "ephemos entries apply"'))
    .addOption(ownerOption('whose entries, and the owner of the file').makeOptionMandatory())
    .option('--all', "everybody's entries, in a file of this owner")
    .addOption(new Option('--format <format>', 'yaml, or json, which is YAML too').choices(['yaml', 'json']).default('yaml'))
    .action((flags: ExportFlags) => exportEntries(flags, context));
  return describe(command, {
    examples: [
      'ephemos entries export --owner shop --server unix:///run/spire-server/private/api.sock',
      'ephemos entries export --owner shop --all --server spire-server:8081',
    ],
    exits: serverExits,
  });
}

async function exportEntries(flags: ExportFlags, context: Context): Promise<void> {
  const { entriesDocument, entriesYaml } = await import('../entries/entries-yaml.ts');
  const { owner, all, format } = flags;
  const filter = readFilter(flags);
  const entries = await withServer(flags, context, (server) => selectEntries(server, filter, all === true ? undefined : owner));
  context.print(format === 'json' ? `${jsonText(entriesDocument(owner, entries), 2)}\n` : entriesYaml(owner, entries));
}
