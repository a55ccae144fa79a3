import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { liveChecklist } from '../../src/doctor/checklist.ts';
import { findingTable } from '../../src/doctor/findings.ts';

describe('the ids of findings', () => {
  const ids = Object.keys(findingTable);
  const rules = liveChecklist.flatMap((item) => item.rules.map(({ id }) => ({ id, item: item.id })));

  it('are sorted, and each is below a rule, which is below its item', () => {
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids.map((id) => id.slice(0, id.lastIndexOf('.'))))).toEqual(new Set(rules.map(({ id }) => id)));
    for (const { id, item } of rules) expect(id.slice(0, id.lastIndexOf('.'))).toBe(item);
  });

  it('are all in docs/doctor.md, as they are here', () => {
    const page = readFileSync(new URL('../../../../docs/doctor.md', import.meta.url), 'utf8');
    const listed = [...page.matchAll(/^\| `([a-z.-]+)` \| (error|warning) \| (.*) \|$/gm)].map(([, id, severity, means]) => ({
      id,
      severity,
      means,
    }));
    expect(listed).toEqual(Object.entries(findingTable).map(([id, entry]) => ({ id, ...entry })));
  });
});
