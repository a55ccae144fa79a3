// A directory that "ephemos deploy init" made in; what there is to say of its files and keys out. Nothing is written.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isEphemosError } from 'ephemos/errors';
import { MACHINE, outside } from '../compose/places.ts';
import { readRecord } from '../diff/diff-project.ts';
import { ensureHostKeys, type KeyReport } from '../keys/host-key-files.ts';
import { type DeployRecord, digestOf, RECORD } from '../project/record.ts';
import { textOf } from '../project/write-project.ts';

/** What a file of the record is now. */
export interface RecordedFile {
  readonly name: string;
  readonly state: 'same' | 'yours' | 'missing';
}

/** What became of its keys: they are elsewhere, they are here, or they do not do. */
export type ProjectKeys =
  | { readonly absent: string }
  | { readonly reports: readonly KeyReport[] }
  | { readonly problem: string; readonly hint: string | undefined };

/** What the rules judge. */
export interface ProjectEvidence {
  readonly directory: string;
  readonly record: DeployRecord;
  readonly files: readonly RecordedFile[];
  readonly keys: ProjectKeys;
}

/**
 * Looks.
 * @throws {EphemosError} ERR_CONFIG_INVALID when there is no record, or it is none
 */
export async function gatherProject(directory: string, now: Date): Promise<ProjectEvidence> {
  const record = readRecord(directory);
  const files = [...record.files].map(([name, digest]): RecordedFile => {
    const text = textOf(join(directory, name));
    return { name, state: text === undefined ? 'missing' : digestOf(text) === digest ? 'same' : 'yours' };
  });
  return { directory, record, files, keys: await keysOf(directory, record, now) };
}

/** How a record is named in a report. */
export function recordPath({ directory }: ProjectEvidence): string {
  return join(directory, RECORD);
}

async function keysOf(directory: string, { target, answers }: DeployRecord, now: Date): Promise<ProjectKeys> {
  if (target !== 'compose') return { absent: `the target ${target} keeps no key here` };
  const keys = join(directory, outside.private);
  if (!existsSync(keys)) return { absent: `${keys} is not there: this is a copy of the deployment without its keys` };
  try {
    const reports = await ensureHostKeys(
      { directory: keys, organization: answers['service'] ?? '', machine: MACHINE, now },
      { dryRun: true },
    );
    const gone = reports.find(({ state }) => state === 'new');
    return gone === undefined
      ? { reports }
      : { problem: `${gone.path} is not there`, hint: `make it: ephemos deploy init --target compose --out ${directory}` };
  } catch (error) {
    if (!isEphemosError(error, 'ERR_CONFIG_INVALID')) throw error;
    return { problem: error.message, hint: error.hint };
  }
}
