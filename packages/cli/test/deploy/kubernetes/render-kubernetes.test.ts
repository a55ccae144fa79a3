import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '@ephemos/service/config';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { kubernetesTarget } from '../../../src/deploy/kubernetes/target.ts';
import { recordOf, recordText } from '../../../src/deploy/project/record.ts';
import { checkConf } from '../../../src/deploy/spire/check-conf.ts';
import { files, sample } from './objects.ts';

const folder = fileURLToPath(new URL('../../../../../deploy/kubernetes', import.meta.url));

describe('deploy/kubernetes', () => {
  it('is what the command renders, and nothing more', () => {
    const record = recordText({ ...recordOf('kubernetes', kubernetesTarget.make(sample)), sample: true });
    const rendered = new Map([...files, ['ephemos-deploy.json', record]]);
    for (const [name, text] of rendered) expect(readFileSync(join(folder, name), 'utf8'), name).toBe(text);
    const there = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(there).toHaveLength(rendered.size);
  });

  it('says in the first line of each file what it is', () => {
    for (const [name, text] of files) expect(text, name).toMatch(/^# \S/);
  });

  it('has no secret, no placeholder, and nothing that a shell would have to fill in', () => {
    for (const [name, text] of files) {
      expect(text, name).not.toMatch(/PRIVATE KEY|CHANGE.?ME|REPLACE.?ME|TODO|FIXME|<[a-z-]+>|:latest\b/i);
      if (name.endsWith('.yaml')) expect(text, name).not.toMatch(/^kind: Secret$|^(string)?[dD]ata:$/m);
    }
  });

  it('has every file that a kustomization names, and none that none names', () => {
    const named = new Set<string>();
    for (const [name, text] of files) {
      if (!name.endsWith('kustomization.yaml')) continue;
      const at = name.slice(0, name.lastIndexOf('/'));
      const { resources = [], patches = [], configMapGenerator = [] }: Kustomization = parse(text);
      for (const each of [...resources, ...patches.flatMap(({ path }) => path ?? []), ...configMapGenerator.flatMap(({ files: f }) => f)]) {
        const path = join(at, each.slice(each.indexOf('=') + 1));
        const file = files.has(path) ? path : `${path}/kustomization.yaml`;
        expect(files.has(file), `${name}: ${each}`).toBe(true);
        named.add(file);
      }
      named.add(name);
    }
    const others = [...files.keys()].filter((name) => !named.has(name));
    expect(others).toEqual(['README.md', 'spire/spire.yaml', 'helm/spire-values.yaml']);
  });

  it('has configurations that the service reads', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ephemos-'));
    try {
      for (const name of ['echo-server', 'echo-client']) {
        const path = join(directory, `${name}.yaml`);
        writeFileSync(path, files.get(`base/config/${name}.yaml`) ?? '');
        const { service } = loadConfig({ path, env: {} });
        expect(service.spiffeId.toString()).toBe(`spiffe://prod.acme.com/${name}`);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('has configurations of SPIRE in which nothing is wrong', () => {
    for (const name of ['spire/server.conf', 'spire/agent.conf']) expect(checkConf(files.get(name) ?? '', name).problems).toEqual([]);
  });

  it('goes by other names when it is given some', () => {
    const other = kubernetesTarget.make({
      service: 'orders',
      domain: 'other.acme.com',
      image: 'registry.acme.com/orders:2.0.0',
      cluster: 'eu-1',
    });
    for (const [name, text] of other.files) {
      expect(name).not.toContain('echo');
      expect(text.replaceAll('/app/examples/echo/dist/echo-client.js', ''), name).not.toMatch(
        /\becho\b|prod\.acme\.com|cluster[nN]ame: production|"production"/,
      );
    }
    expect(other.next.join('\n')).not.toMatch(/\becho\b|prod\.acme\.com/);
  });

  it('tells in the next steps how to make each Secret that nobody else makes', () => {
    const { next } = kubernetesTarget.make(sample);
    for (const secret of ['spire-upstream-ca', 'spire-postgres-credentials']) {
      const line = next.find((each) => each.startsWith('kubectl create secret') && each.includes(secret));
      expect(line).toContain('-n spire-server');
      expect(files.get('README.md')).toContain(line);
    }
  });
});

interface Kustomization {
  readonly resources?: readonly string[];
  readonly patches?: readonly { readonly path?: string }[];
  readonly configMapGenerator?: readonly { readonly files: readonly string[] }[];
}
