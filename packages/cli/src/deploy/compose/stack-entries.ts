// Names in; who is who out, twice: entries.yaml for people and `ephemos entries apply`, entries.json for `spire-server entry create -data`, both
// with the same IDs, so that what one made the other knows.

import { entriesYaml } from '../../entries/entries-yaml.ts';
import { type Entry, newEntry } from '../../entries/entry.ts';
import { entryIdOf } from '../../entries/ownership.ts';
import { jsonText } from '../../output/text.ts';
import type { Names } from '../project/names.ts';
import { MACHINE, users } from './places.ts';
import { idOf, type Workload } from './workloads.ts';

/** The entries of the stack. */
export function stackEntries(names: Names): readonly Entry[] {
  const parentId = `spiffe://${names.domain}/spire/agent/x509pop/${MACHINE}`;
  return workloads.map((workload) => {
    const spiffeId = idOf(names, workload);
    const entryId = entryIdOf(names.service, { spiffeId, parentId, key: undefined });
    return newEntry({ entryId, spiffeId, parentId, selectors: [`unix:uid:${users[workload]}`] });
  });
}

const workloads: readonly Workload[] = ['server', 'client'];

/** entries.yaml */
export function entriesFile(names: Names): string {
  return `# Who is who: the agent on ${MACHINE} gives a process of this Unix user this SPIFFE ID. After a change: ephemos entries apply -f entries.yaml
# entries.json says the same for the first start; "ephemos entries" wins over it, and knows its entries as its own.
${entriesYaml(names.service, stackEntries(names))}`;
}

/** entries.json */
export function entriesJson(names: Names): string {
  const entries = stackEntries(names).map(({ entryId, spiffeId, parentId, selectors }) => ({
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
