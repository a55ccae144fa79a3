// Answers in; who is who out, twice: entries.yaml for people and `ephemos entries apply`, entries.json for `spire-server entry create -data`, both
// with the same IDs, so that what one made the other knows.

import { entriesYaml } from '../../entries/entries-yaml.ts';
import { type Entry, newEntry } from '../../entries/entry.ts';
import { entryIdOf } from '../../entries/ownership.ts';
import { jsonText } from '../../output/text.ts';
import { type Answers, idOf, type Workload } from './answers.ts';
import { MACHINE, users } from './places.ts';

/** The entries of the stack. */
export function stackEntries(answers: Answers): readonly Entry[] {
  const parentId = `spiffe://${answers.domain}/spire/agent/x509pop/${MACHINE}`;
  return workloads.map((workload) => {
    const spiffeId = idOf(answers, workload);
    const entryId = entryIdOf(answers.service, { spiffeId, parentId, key: undefined });
    return newEntry({ entryId, spiffeId, parentId, selectors: [`unix:uid:${users[workload]}`] });
  });
}

const workloads: readonly Workload[] = ['server', 'client'];

/** entries.yaml */
export function entriesFile(answers: Answers): string {
  return `# Who is who: the agent on ${MACHINE} gives a process of this Unix user this SPIFFE ID. After a change: ephemos entries apply -f entries.yaml
# entries.json says the same for the first start; "ephemos entries" wins over it, and knows its entries as its own.
${entriesYaml(answers.service, stackEntries(answers))}`;
}

/** entries.json */
export function entriesJson(answers: Answers): string {
  const entries = stackEntries(answers).map(({ entryId, spiffeId, parentId, selectors }) => ({
    entry_id: entryId,
    spiffe_id: spiffeId,
    parent_id: parentId,
    selectors: selectors.map((selector) => ({
      type: selector.slice(0, selector.indexOf(':')),
      value: selector.slice(selector.indexOf(':') + 1),
    })),
  }));
  return `${jsonText({ entries }, 2)}\n`;
}
