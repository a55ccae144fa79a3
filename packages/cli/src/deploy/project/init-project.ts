// A target, answers and a directory in; the directory with everything that is no secret out, and the record of it.
import { join } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { makeProject } from './make-project.ts';
import { type DeployRecord, digestOf, parseRecord, RECORD, recordOf, recordText } from './record.ts';
import type { GivenAnswers, Made, Target } from './target.ts';
import { type ProjectChange, textOf, writeProject } from './write-project.ts';

/** What is to be written, and what is there. */
export interface ProjectPlan {
  readonly made: Made;
  /** Writes it. @returns what became of each file, or with `dryRun` would */
  write(options: { readonly dryRun: boolean }): readonly ProjectChange[];
}

/**
 * Reads what is there and makes what is asked for; an answer that is left out is as it was, or the default.
 * @throws {EphemosError} ERR_CONFIG_INVALID for a wrong answer, or one that the directory was not made for
 */
export function planProject(directory: string, target: Target, given: GivenAnswers): ProjectPlan {
  const text = textOf(join(directory, RECORD));
  const record = text === undefined ? undefined : parseRecord(text, join(directory, RECORD));
  const made = makeProject(target, { ...record?.answers, ...defined(given) }, record?.pins ?? new Map());
  if (record !== undefined) refuseOther(directory, record, target, made);
  return {
    made,
    write: ({ dryRun }) => [
      ...writeProject(directory, made.files, { before: record?.files ?? new Map<string, string>(), dryRun }),
      // Nobody but us writes the record.
      ...writeProject(directory, new Map([[RECORD, recordText(recordOf(target.name, made))]]), {
        before: new Map(text === undefined ? [] : [[RECORD, digestOf(text)]]),
        dryRun,
      }),
    ],
  };
}

// What was handed out under a name is of that name for ever, and files under other names would stay behind.
function refuseOther(directory: string, record: DeployRecord, { name, fixed }: Target, { answers }: Made): void {
  const other = fixed.find((answer) => record.answers[answer] !== answers[answer]);
  if (record.target === name && other === undefined) return;
  const said = record.target === name ? fixed.map((answer) => `${answer} ${record.answers[answer] ?? ''}`).join(', ') : record.target;
  throw new EphemosError('ERR_CONFIG_INVALID', `${directory} was made for ${said}`, { hint: 'name another directory' });
}

function defined(given: GivenAnswers): GivenAnswers {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
