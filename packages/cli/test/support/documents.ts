// Texts as the files of a directory, judged by the static rules.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Document, StaticEvidence } from '../../src/doctor/documents/document.ts';
import { readDocuments } from '../../src/doctor/documents/read-documents.ts';
import { judge, type Report } from '../../src/doctor/judge.ts';
import { staticChecklist } from '../../src/doctor/static/checklist.ts';
import { openDirectory } from './directory.ts';

export type Texts = Readonly<Record<string, string>>;

/** Reads texts as files; the names of files are those that were given. */
export async function readTexts(texts: Texts): Promise<StaticEvidence> {
  await using directory = await openDirectory();
  for (const [name, text] of Object.entries(texts)) {
    const path = join(directory.path, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  const { documents, sources } = readDocuments([directory.path], () => '');
  const named = <T extends { readonly file: string }>(each: T): T => ({ ...each, file: relative(directory.path, each.file) });
  return { documents: documents.map((each): Document => withProblems(named(each), directory.path)), sources: sources.map(named) };
}

function withProblems(document: Document, directory: string): Document {
  if (!('problems' in document)) return document;
  const problems = document.problems.map((each) => ({
    ...each,
    file: each.file === undefined ? undefined : relative(directory, each.file),
  }));
  return { ...document, problems };
}

/** What the static rules find in files, as `id file:line`. @param only rules or items */
export function findingsIn(evidence: StaticEvidence, only: string): readonly string[] {
  return findingsOf(judge(staticChecklist, evidence, (id) => id === only || id.startsWith(`${only}.`)));
}

/** The findings of a report, as `id file:line`. */
export function findingsOf({ items }: Report): readonly string[] {
  return items.flatMap(({ rules }) =>
    rules.flatMap((rule) =>
      'reason' in rule ? [] : rule.findings.map(({ id, place }) => `${id} ${place?.file ?? ''}:${place?.line ?? ''}`),
    ),
  );
}

/** What one rule says of texts: its result, and what it finds. */
export async function verdictOn(texts: Texts, ruleId: string): Promise<{ readonly result: string; readonly found: readonly string[] }> {
  const report = judge(staticChecklist, await readTexts(texts), (id) => id === ruleId);
  const [rule] = report.items.flatMap(({ rules }) => rules);
  if (rule === undefined) throw new Error(`there is no rule ${ruleId}`);
  return { result: rule.result, found: findingsOf(report).map((each) => each.slice(ruleId.length + 1)) };
}
