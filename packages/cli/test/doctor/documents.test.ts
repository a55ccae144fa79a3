// What files of a deployment are taken for, with the lines of what is in them.
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Document, documentsOf } from '../../src/doctor/documents/document.ts';
import { INPUT, MAX_FILE_BYTES } from '../../src/doctor/documents/files.ts';
import { readDocuments } from '../../src/doctor/documents/read-documents.ts';
import { MAX_DEPTH, MAX_DOCUMENTS, readYaml } from '../../src/doctor/documents/read-yaml.ts';
import { openDirectory } from '../support/directory.ts';
import { readTexts, type Texts } from '../support/documents.ts';

const pod = 'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n';

async function kinds(texts: Texts): Promise<readonly string[]> {
  return (await readTexts(texts)).documents.map(({ kind, file }) => `${kind} ${file}`);
}

function first(text: string): Document | undefined {
  return readDocuments(['-'], () => text).documents[0];
}

describe('a file is what is in it', () => {
  it.each<[kind: string, name: string, text: string]>([
    ['spire-conf', 'server.conf', 'server { }'],
    ['spire-conf', 'guide.yaml', '# a comment\nagent {\n  x = 1\n}\n'],
    ['spire-conf', 'server.json', '{ "server": { "trust_domain": "a" } }'],
    ['spire-conf', 'broken.conf', 'server {'],
    ['manifest', 'pod.yaml', pod],
    ['manifest', 'pod.json', JSON.stringify({ apiVersion: 'v1', kind: 'Pod' })],
    ['kustomization', 'kustomization.yaml', 'resources: [a.yaml]'],
    ['kustomization', 'other.yaml', 'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n'],
    ['compose', 'compose.yaml', 'services: { a: { image: b } }'],
    ['service-config', 'config.yaml', 'service: { name: a, domain: acme.com }'],
    ['dockerfile', 'Dockerfile', 'FROM scratch'],
    ['dockerfile', 'app.Dockerfile', 'ARG BASE\nFROM $BASE'],
    ['rules', 'a.rules.yml', 'groups: [{ name: a, rules: [{ alert: b, expr: c }] }]'],
    ['dashboard', 'a.json', '{ "title": "a", "panels": [] }'],
    ['dashboard', 'b.json', '{ "dashboard": { "panels": [] } }'],
    ['values', 'spire-values.yaml', 'a: 1'],
    ['values', 'spire.yaml', 'global: { spire: { trustDomain: a } }\nspire-server: { replicaCount: 3 }'],
    ['fragment', 'part.yaml', 'resources: { limits: { memory: 1Gi } }'],
    ['other', 'prometheus.yml', 'scrape_configs: []'],
    ['unreadable', 'a.yaml', 'a: [1'],
  ])('%s: %s', async (kind, name, text) => {
    expect(await kinds({ [name]: text })).toEqual([`${kind} ${name}`]);
  });

  it.each([
    ['systemd', 'sysusers.d/a.conf', 'u echo 20001\nm echo spire\n'],
    ['nginx', 'site.conf', 'server {\n  listen 80;\n}\n'],
  ])('and a .conf of %s is nothing of ours', async (_, name, text) => {
    expect(await kinds({ [name]: text })).toEqual([]);
  });

  it('and may be several, or a List', async () => {
    expect(await kinds({ 'a.yaml': `${pod}---\n${pod}---\n# nothing\n` })).toEqual(['manifest a.yaml', 'manifest a.yaml']);
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'Pod' },
        { apiVersion: 'v1', kind: 'Service' },
      ],
    };
    const { documents } = await readTexts({ 'a.json': JSON.stringify(list) });
    expect(documentsOf(documents, 'manifest').map(({ object }) => object)).toEqual(['Pod', 'Service']);
  });

  it('a ConfigMap holds configurations, whose lines are those of the manifest', async () => {
    const text =
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata:\n  server.conf: |\n    server {\n      never = 1\n    }\n  note: hello\n';
    const { documents } = await readTexts({ 'a.yaml': text });
    expect(documents.map(({ kind }) => kind)).toEqual(['manifest', 'spire-conf']);
    const [conf] = documentsOf(documents, 'spire-conf');
    expect(conf?.problems.map(({ line, key }) => `${line} ${key}`)).toEqual(['7 server.never']);
  });

  it('a patch is no manifest, and a resource gets the namespace of its kustomization', async () => {
    const evidence = await readTexts({
      'base/kustomization.yaml': 'namespace: shop\nresources: [pod.yaml]\n',
      'base/pod.yaml': pod,
      'over/kustomization.yaml': 'resources: [../base]\npatches:\n  - path: change.yaml\n  - patch: |\n      - op: remove\n',
      'over/change.yaml': pod,
    });
    expect(evidence.documents.map(({ kind, file }) => `${kind} ${file}`)).toEqual([
      'kustomization base/kustomization.yaml',
      'manifest base/pod.yaml',
      'patch over/change.yaml',
      'kustomization over/kustomization.yaml',
    ]);
    expect(documentsOf(evidence.documents, 'manifest').map(({ namespace }) => namespace)).toEqual(['shop']);
  });
});

describe('a directory is walked', () => {
  it('without what is installed, hidden, a template, or of another kind', async () => {
    const all = await kinds({
      'a.yaml': pod,
      'node_modules/x/a.yaml': pod,
      '.git/a.yaml': pod,
      'README.md': '# FROM scratch',
      'Dockerfile.dockerignore': '*',
      'chart/Chart.yaml': 'name: a',
      'chart/templates/a.yaml': '{{ a }}',
    });
    expect(all).toEqual(['manifest a.yaml', 'other chart/Chart.yaml', 'unreadable chart/templates']);
  });

  it('with links to files, and without links to directories, which may lead in a circle', async () => {
    await using directory = await openDirectory();
    await mkdir(join(directory.path, '..data'));
    await writeFile(join(directory.path, '..data', 'a.yaml'), pod);
    await symlink(join('..data', 'a.yaml'), join(directory.path, 'a.yaml'));
    await symlink('.', join(directory.path, 'circle'));
    expect(readDocuments([directory.path], () => '').sources.map(({ file }) => file)).toEqual([join(directory.path, 'a.yaml')]);
  });

  it('and what is too large, not text, or not a file, is said', async () => {
    await using directory = await openDirectory();
    await writeFile(join(directory.path, 'a.yaml'), 'a'.repeat(MAX_FILE_BYTES + 1));
    await writeFile(join(directory.path, 'b.yaml'), Buffer.from([0xff, 0xfe, 0]));
    const { documents } = readDocuments([directory.path], () => '');
    expect(documentsOf(documents, 'unreadable').map(({ problem, reason }) => `${reason}: ${problem}`)).toEqual([
      'limit: the file is larger than 1 MiB',
      'broken: this is not UTF-8',
    ]);
  });

  it('and a path that is not there is refused', () => {
    expect(() => readDocuments(['/nowhere'], () => '')).toThrow('/nowhere: there is no such file');
  });
});

describe('standard input', () => {
  it('is what its text says', () => {
    expect(first(pod)).toMatchObject({ kind: 'manifest', file: INPUT, name: 'a' });
    expect(first('server { }')).toMatchObject({ kind: 'spire-conf', file: INPUT });
    expect(first('service: { name: a, domain: acme.com }')).toMatchObject({ kind: 'service-config', file: INPUT, problems: [] });
  });

  it('names itself in problems of a configuration', () => {
    const document = first('service: { nmae: a, domain: acme.com }');
    expect(document).toMatchObject({ kind: 'service-config' });
    expect(document !== undefined && 'problems' in document ? document.problems.map(({ file, line }) => [file, line]) : []).toContainEqual([
      INPUT,
      1,
    ]);
  });
});

describe('YAML', () => {
  it('has the line of each key, through aliases and merged mappings', () => {
    const read = readYaml('a: &a\n  x: 1\n  y: 2\nb:\n  <<: *a\n  y: 3\nlist:\n  - p: q\n');
    const [node] = 'nodes' in read ? read.nodes : [];
    expect([node?.get('b', 'x')?.text(), node?.get('b', 'x')?.line]).toEqual(['1', 2]);
    expect([node?.get('b', 'y')?.text(), node?.get('b', 'y')?.line]).toEqual(['3', 6]);
    expect([node?.get('list', 0, 'p')?.text(), node?.get('list', 0)?.line]).toEqual(['q', 8]);
    expect(node?.get('list')?.value()).toEqual([{ p: 'q' }]);
    expect(node?.get('nothing')).toBeUndefined();
  });

  const bomb = [
    'a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]',
    ...'bcdefg'.split('').map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdef'[index]}`).join(', ')}]`),
  ];

  it.each<[what: string, text: string, problem: RegExp, line: number]>([
    ['a list that is not closed', 'a: 1\nb: [1', /^this is not valid YAML/, 2],
    ['a key that is there twice', 'a: 1\nb: 2\na: 3\n', /^the key "a" is there twice$/, 3],
    ['an alias of nothing', 'a: *b', /(anchor|alias)/i, 1],
    ['an alias in itself', 'a: &a [*a]', /^an alias stands in what it stands for$/, 1],
    ['a bomb of aliases', bomb.join('\n'), /^the aliases stand for more than|^there are more than/, 1],
    ['what is too deep', '['.repeat(MAX_DEPTH + 10), new RegExp(`^nested more than ${MAX_DEPTH} deep$`), 1],
    ['too many documents', 'a: 1\n---\n'.repeat(MAX_DOCUMENTS + 1), /^there are more than 1000 documents/, 2 * MAX_DOCUMENTS],
  ])('is refused: %s', (_, text, problem, line) => {
    const read = readYaml(text);
    expect('problem' in read ? read.problem.message : 'taken').toMatch(problem);
    if (!/bomb/.test(_)) expect('problem' in read ? read.problem.line : 0).toBe(line);
  });
});
