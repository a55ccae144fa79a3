import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { liveChecklist } from '../../src/doctor/checklist.ts';
import { findingTable } from '../../src/doctor/findings.ts';
import { liveFindings } from '../../src/doctor/live/findings.ts';
import { staticChecklist } from '../../src/doctor/static/checklist.ts';
import { configurationFindings } from '../../src/doctor/static/findings.ts';
import { manifestFindings } from '../../src/doctor/static/manifests/findings.ts';
import { manifestRules } from '../../src/doctor/static/manifests/rules.ts';
import { configurationRules } from '../../src/doctor/static/rules.ts';

const rulesOf = (items: readonly { readonly id: string; readonly rules: readonly { readonly id: string }[] }[]): readonly string[] =>
  items.flatMap((item) => item.rules.map(({ id }) => id));

describe('the ids of findings', () => {
  it.each([
    ['live', liveFindings, rulesOf(liveChecklist)],
    ['configuration', configurationFindings, configurationRules.map(({ id }) => id)],
    ['manifest', manifestFindings, manifestRules.map(({ id }) => id)],
  ])('of %s rules are sorted, each below a rule, and no rule has none', (_, findings, rules) => {
    const ids = Object.keys(findings);
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids.map((id) => id.slice(0, id.lastIndexOf('.'))))).toEqual(new Set(rules));
    expect(rules.length).toBe(new Set(rules).size);
  });

  it('of each rule are below its item, of which there are thirteen', () => {
    for (const item of [...liveChecklist, ...staticChecklist]) {
      for (const { id } of item.rules) expect(id.slice(0, id.lastIndexOf('.'))).toBe(item.id);
    }
    expect(staticChecklist.length).toBe(13);
    expect(rulesOf(staticChecklist).length).toBe(configurationRules.length + manifestRules.length);
    for (const { id, rules } of staticChecklist) expect(rules.length, id).toBeGreaterThan(0);
  });

  it('are of one rule only, live or static', () => {
    const live = new Set(rulesOf(liveChecklist));
    expect(rulesOf(staticChecklist).filter((id) => live.has(id))).toEqual([]);
  });

  it('are all in docs/doctor.md, as they are here', () => {
    const page = readFileSync(new URL('../../../../docs/doctor.md', import.meta.url), 'utf8');
    const listed = [...page.matchAll(/^\| `([a-z0-9.-]+)` \| (error|warning) \| (.*) \|$/gm)].map(([, id, severity, means]) => ({
      id,
      severity,
      means,
    }));
    const ofDoctor = [...Object.entries(liveFindings), ...Object.entries({ ...configurationFindings, ...manifestFindings }).sort(byId)];
    expect(listed).toEqual(ofDoctor.map(([id, entry]) => ({ id, ...entry })));
    for (const { id } of listed) expect(findingTable).toHaveProperty([id ?? '']);
  });
});

function byId([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
