import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderMonitoringFiles } from '../render-monitoring.js';
import { copyInto, plant } from './plant.js';

test('a rendered file that differs, one that is missing, one too many, and an alert without its section are found', async () => {
  const base = plant({});
  for (const path of ['deploy/monitoring', 'docs/runbook.md']) copyInto(base, path);
  expect((await renderMonitoringFiles({ base, check: true })).problems).toEqual([]);

  const rules = join(base, 'deploy/monitoring/spire.rules.yml');
  const text = readFileSync(rules, 'utf8');
  writeFileSync(rules, text.replace('for: 5m', 'for: 50m'));
  rmSync(join(base, 'deploy/monitoring/grafana/ephemos-services.json'));
  writeFileSync(join(base, 'deploy/monitoring/old.rules.yml'), text);
  const runbook = join(base, 'docs/runbook.md');
  writeFileSync(runbook, readFileSync(runbook, 'utf8').replace('## SPIREAgentDown\n', '## SPIREAgentGone\n'));
  expect((await renderMonitoringFiles({ base, check: true })).problems).toEqual([
    'docs/runbook.md has no section ## SPIREAgentDown',
    'docs/runbook.md has a section ## SPIREAgentGone, and there is no such alert',
    'deploy/monitoring/spire.rules.yml is not what packages/cli/src/deploy/monitoring says: node scripts/render-monitoring.js',
    'deploy/monitoring/grafana/ephemos-services.json is not what packages/cli/src/deploy/monitoring says: node scripts/render-monitoring.js',
    'deploy/monitoring/old.rules.yml is rendered by nothing',
  ]);
  await renderMonitoringFiles({ base, check: false });
  expect(readFileSync(rules, 'utf8')).toBe(text);
});
