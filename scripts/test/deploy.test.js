import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderDeploy } from '../render-deploy.js';
import { copyInto, plant } from './plant.js';

test('a rendered file that differs, one that is missing and one too many are found and mended', async () => {
  const base = plant({});
  copyInto(base, 'deploy/spire');
  expect((await renderDeploy({ base, check: true })).problems).toEqual([]);

  const agent = join(base, 'deploy/spire/host/agent.conf');
  const text = readFileSync(agent, 'utf8');
  writeFileSync(agent, text.replace('8081', '8082'));
  const input = join(base, 'deploy/spire/kubernetes/spire.yaml');
  writeFileSync(input, readFileSync(input, 'utf8').replace('prod.acme.com', 'other.test'));
  writeFileSync(join(base, 'deploy/spire/host/server-old.conf'), text);
  const { problems } = await renderDeploy({ base, check: true });
  expect(problems).toEqual([
    'deploy/spire/host/server-old.conf is not rendered from deploy/spire/host/spire.yaml any more: node scripts/render-deploy.js',
    'deploy/spire/host/agent.conf is not what deploy/spire/host/spire.yaml says: node scripts/render-deploy.js',
    'deploy/spire/kubernetes/server.conf is not what deploy/spire/kubernetes/spire.yaml says: node scripts/render-deploy.js',
    'deploy/spire/kubernetes/agent.conf is not what deploy/spire/kubernetes/spire.yaml says: node scripts/render-deploy.js',
  ]);
  await renderDeploy({ base, check: false });
  expect(await renderDeploy({ base, check: true })).toEqual({ problems: [], count: 9 });
  expect(readFileSync(agent, 'utf8')).toBe(text);
});

test('an input that contradicts itself is a problem at its line', async () => {
  const base = plant({});
  copyInto(base, 'deploy/spire/host');
  const input = join(base, 'deploy/spire/host/spire.yaml');
  writeFileSync(input, `${readFileSync(input, 'utf8')}lives: { x509: 48h }\n`);
  const { problems } = await renderDeploy({ base, check: true });
  expect(problems[0]).toBe(
    'deploy/spire/host/spire.yaml:19 lives.x509: 48h is more than a sixth of lives.authority (168h), so SPIRE would sign for less',
  );
});
