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

test('a stack is rendered from its record: what differs and what is too much is found and mended', async () => {
  const base = plant({});
  copyInto(base, 'deploy/spire/host');
  copyInto(base, 'deploy/compose');
  expect((await renderDeploy({ base, check: true })).problems).toEqual([]);

  const compose = join(base, 'deploy/compose/compose.yaml');
  const text = readFileSync(compose, 'utf8');
  writeFileSync(compose, text.replace('127.0.0.1:8080:8080', '8080:8080'));
  const record = join(base, 'deploy/compose/ephemos-deploy.json');
  writeFileSync(record, readFileSync(record, 'utf8').replace('"compose.yaml":', '"old.yaml":'));
  writeFileSync(join(base, 'deploy/compose/old.yaml'), '');
  const { problems } = await renderDeploy({ base, check: true });
  expect(problems).toEqual([
    'deploy/compose/old.yaml is not rendered from deploy/compose/ephemos-deploy.json any more: node scripts/render-deploy.js',
    'deploy/compose/compose.yaml is not what deploy/compose/ephemos-deploy.json says: node scripts/render-deploy.js',
    'deploy/compose/ephemos-deploy.json is not what deploy/compose/ephemos-deploy.json says: node scripts/render-deploy.js',
  ]);
  await renderDeploy({ base, check: false });
  expect((await renderDeploy({ base, check: true })).problems).toEqual([]);
  expect(readFileSync(compose, 'utf8')).toBe(text);
});
