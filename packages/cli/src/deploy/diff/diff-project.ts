// A directory that "ephemos deploy init" made in; what this Ephemos would write there otherwise out, file by file, and what was changed by hand.
import { join } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { makeProject } from '../project/make-project.ts';
import { type DeployRecord, digestOf, parseRecord, RECORD } from '../project/record.ts';
import type { TargetName } from '../project/target.ts';
import { findTarget } from '../project/targets.ts';
import { textOf } from '../project/write-project.ts';
import { unifiedDiff } from './unified-diff.ts';

/**
 * What stands between a file and what this Ephemos would render. `changed`: Ephemos changed it. `yours`: it was changed by hand. `both`: one and the other,
 * so "ephemos deploy init" refuses it. `new`: Ephemos writes one more. `removed`: it does not write it any more. `missing`: it was written, and is gone.
 */
export type FileState = 'same' | 'changed' | 'yours' | 'both' | 'new' | 'removed' | 'missing';

/** A file, compared. */
export interface FileDifference {
  readonly name: string;
  readonly state: FileState;
  /** From what is there to what would be; of `yours`, from what was rendered to what is there. Undefined where there is nothing to compare. */
  readonly diff: string | undefined;
}

/** A project, compared. */
export interface ProjectDifference {
  readonly target: TargetName;
  readonly files: readonly FileDifference[];
}

/** Reads the record of a directory. @throws {EphemosError} ERR_CONFIG_INVALID when there is none */
export function readRecord(directory: string): DeployRecord {
  const path = join(directory, RECORD);
  const text = textOf(path);
  if (text !== undefined) return parseRecord(text, path);
  throw new EphemosError('ERR_CONFIG_INVALID', `${path} is not there`, { hint: 'name a directory that "ephemos deploy init" made' });
}

/**
 * Compares. Nothing is written.
 * @throws {EphemosError} ERR_CONFIG_INVALID when the record is none, or its answers do not do any more
 */
export async function diffProject(directory: string): Promise<ProjectDifference> {
  const record = readRecord(directory);
  const { files } = makeProject(await findTarget(record.target), record.answers, record.pins);
  const names = [...files.keys(), ...[...record.files.keys()].filter((name) => !files.has(name))];
  return {
    target: record.target,
    files: names.flatMap((name) =>
      compare(name, { there: textOf(join(directory, name)), made: files.get(name), recorded: record.files.get(name) }),
    ),
  };
}

interface Versions {
  readonly there: string | undefined;
  readonly made: string | undefined;
  readonly recorded: string | undefined;
}

function compare(name: string, { there, made, recorded }: Versions): readonly FileDifference[] {
  if (made === undefined) return there === undefined ? [] : [{ name, state: 'removed', diff: undefined }];
  if (there === undefined) return [{ name, state: recorded === undefined ? 'new' : 'missing', diff: unifiedDiff(name, '', made) }];
  if (there === made) return [{ name, state: 'same', diff: undefined }];
  if (recorded === digestOf(made)) return [{ name, state: 'yours', diff: unifiedDiff(name, made, there) }];
  return [{ name, state: recorded === digestOf(there) ? 'changed' : 'both', diff: unifiedDiff(name, there, made) }];
}

/** Whether this Ephemos would write something otherwise. What was changed by hand, and only that, is no difference of ours. */
export function differs({ files }: ProjectDifference): boolean {
  return files.some(({ state }) => state !== 'same' && state !== 'yours');
}
