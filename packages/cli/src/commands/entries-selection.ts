// Which entries of a server: flags in, the entries out, for the commands that show what is there.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { byText, type Entry } from '../entries/entry.ts';
import { OWNER, ownerOf } from '../entries/ownership.ts';
import { parseId } from '../input/values.ts';
import type { EntryFilter, SpireServer } from '../spire-server/server.ts';

/** The flags. */
export interface SelectionFlags {
  readonly id?: string;
  readonly parent?: string;
  readonly owner?: string;
}

/** `--owner`. */
export function ownerOption(what: string): Option {
  return new Option('--owner <name>', what).argParser(parseOwner);
}

/** Adds `--id` and `--parent`. */
export function addSelection(command: Command): Command {
  return command
    .option('--id <spiffe id>', 'entries for this SPIFFE ID only')
    .option('--parent <spiffe id>', 'entries below this agent, or other parent, only');
}

/** Checks the flags before anything is dialled. @throws {EphemosError} ERR_SPIFFE_ID_INVALID */
export function readFilter({ id, parent }: SelectionFlags): EntryFilter {
  return {
    spiffeId: id === undefined ? undefined : parseId(id, '--id').toString(),
    parentId: parent === undefined ? undefined : parseId(parent, '--parent').toString(),
  };
}

/** The entries, by SPIFFE ID and then by parent. @param owner whose; undefined for everybody's */
export async function selectEntries(server: SpireServer, filter: EntryFilter, owner: string | undefined): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  for await (const page of server.listEntries(filter)) {
    found.push(...page.filter(({ entryId }) => owner === undefined || ownerOf(entryId) === owner));
  }
  return found.sort((a, b) => byText(a.spiffeId, b.spiffeId) || byText(a.parentId, b.parentId) || byText(a.entryId, b.entryId));
}

function parseOwner(text: string): string {
  if (!OWNER.test(text)) throw new InvalidArgumentError('An owner is a name of lower-case letters, digits and "-".');
  return text;
}
