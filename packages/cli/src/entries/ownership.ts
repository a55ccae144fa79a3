// Who owns an entry: an owner and what an entry grants in, the ID of the entry out, and back. The ID is chosen at creation and never changes,
// reaches no workload, and is no field that anybody edits; so it says what a hint or a DNS name could not.
import { createHash } from 'node:crypto';

/** An owner is a name of 1 to 40 of these; no "." so that one owner's prefix is never the beginning of another's. */
export const OWNER: RegExp = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
/** A key tells entries with the same SPIFFE ID and parent apart. */
export const KEY: RegExp = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

// SPIRE takes at most 255 letters, digits, "-", "_" and "." (pkg/server/datastore/sqlstore, validateRegistrationEntry); this is at most 81.
const ENTRY_ID = /^ephemos\.([a-z0-9-]{1,40})\.[0-9a-f]{32}$/;

/** What an entry is known by among those of its owner. */
export interface EntryKey {
  readonly spiffeId: string;
  readonly parentId: string;
  readonly key: string | undefined;
}

/** The ID of an entry: `ephemos.<owner>.<32 hex digits>`, the same whenever and wherever it is made. */
export function entryIdOf(owner: string, { spiffeId, parentId, key }: EntryKey): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([spiffeId, parentId, key ?? '']))
    .digest('hex');
  return `ephemos.${owner}.${digest.slice(0, 32)}`;
}

/** The owner of an entry; undefined for one that was not made here. */
export function ownerOf(entryId: string): string | undefined {
  return ENTRY_ID.exec(entryId)?.[1];
}
