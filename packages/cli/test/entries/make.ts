// Entries for tests.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type EntriesFile, readEntriesFile } from '../../src/entries/entries-file.ts';
import { type Entry, newEntry } from '../../src/entries/entry.ts';
import { entryIdOf } from '../../src/entries/ownership.ts';

export const node = 'spiffe://example.org/spire/agent/x509pop/db-1';

/** An entry of `shop`, or with the ID that is given. */
export function entry(name: string, fields: Partial<Entry> = {}): Entry {
  const id = { spiffeId: `spiffe://example.org/${name}`, parentId: node };
  const entryId = entryIdOf('shop', { ...id, key: undefined });
  return { ...newEntry({ entryId, ...id, selectors: ['unix:uid:1001'] }), ...fields };
}

/** A directory with files that is gone after the test. */
export function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

/** The file, which must be good. */
export function readGood(text: string): EntriesFile {
  const file = readEntriesFile(join(directoryWith({ 'entries.yaml': text }), 'entries.yaml'));
  if ('problems' in file) throw new Error(JSON.stringify(file.problems));
  return file;
}

/** What is wrong with a file: `line:column key: message; hint` each. */
export function problemsOf(text: string): readonly string[] {
  const file = readEntriesFile(join(directoryWith({ 'entries.yaml': text }), 'entries.yaml'));
  if (!('problems' in file)) return [];
  return file.problems.map(
    ({ line, column, key, message, hint }) =>
      `${line}:${column} ${key === '' ? '' : `${key}: `}${message}${hint === undefined ? '' : `; ${hint}`}`,
  );
}
