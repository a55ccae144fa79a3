import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { composeTarget } from '../../../src/deploy/compose/target.ts';
import { diffProject, readRecord } from '../../../src/deploy/diff/diff-project.ts';
import { planPins } from '../../../src/deploy/pin/pin-project.ts';
import { planProject } from '../../../src/deploy/project/init-project.ts';

const digests = new Map(
  ['ghcr.io/spiffe/spire-server:1.15.2', 'ghcr.io/spiffe/spire-agent:1.15.2'].map(
    (image, index) => [image, `sha256:${String(index).repeat(64)}`] as const,
  ),
);

function folder(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function project(): string {
  const directory = folder();
  planProject(directory, composeTarget, {}).write({ dryRun: false });
  return directory;
}

async function pin(
  directory: string,
  options: { readonly update?: boolean; readonly dryRun?: boolean; readonly digests?: ReadonlyMap<string, string> } = {},
) {
  const plan = planPins(directory, { update: options.update === true });
  return plan.write(options.digests ?? digests, { dryRun: options.dryRun === true });
}

const textIn = (directory: string, name: string): string => readFileSync(join(directory, name), 'utf8');
const statesOf = (directory: string): readonly string[] => [
  ...new Set(
    planProject(directory, composeTarget, {})
      .write({ dryRun: true })
      .map(({ state }) => state),
  ),
];

describe('pins of a project', () => {
  it('are asked of registries for every image that names one, once each', () => {
    const { asked, images } = planPins(project(), { update: false });
    expect(asked.map(({ text }) => text).toSorted()).toEqual([...digests.keys()].toSorted());
    expect(images.map(({ image, state, places }) => [image, state, places.length])).toEqual([
      ['ghcr.io/spiffe/spire-server:1.15.2', 'unpinned', 2],
      ['ghcr.io/spiffe/spire-agent:1.15.2', 'unpinned', 1],
      ['ephemos-echo:0.1.0', 'local', 2],
    ]);
  });

  it('are in the files and in the record, so that init and diff know these files as ours', async () => {
    const directory = project();
    expect((await pin(directory)).files).toEqual(['compose.yaml', 'ephemos-deploy.json']);
    for (const [image, digest] of digests) expect(textIn(directory, 'compose.yaml')).toContain(`image: ${image}@${digest}\n`);
    expect(readRecord(directory).pins).toEqual(new Map([...digests].toSorted(([a], [b]) => (a < b ? -1 : 1))));
    expect(statesOf(directory)).toEqual(['same']);
    expect((await diffProject(directory)).files.filter(({ state }) => state !== 'same')).toEqual([]);
  });

  it('are not asked for again, and change nothing a second time, unless the tag is to be followed', async () => {
    const directory = project();
    await pin(directory);
    expect(planPins(directory, { update: false }).asked).toEqual([]);
    expect((await pin(directory, { digests: new Map() })).files).toEqual([]);
    const other = new Map([...digests].map(([image]) => [image, `sha256:${'e'.repeat(64)}`]));
    expect(planPins(directory, { update: true }).asked).toHaveLength(2);
    const { files, images } = await pin(directory, { update: true, digests: other });
    expect({ files, states: images.map(({ state }) => state) }).toEqual({
      files: ['compose.yaml', 'ephemos-deploy.json'],
      states: ['new', 'new', 'local'],
    });
    expect(statesOf(directory)).toEqual(['same']);
  });

  it('write nothing in a dry run', async () => {
    const directory = project();
    const before = textIn(directory, 'compose.yaml');
    expect((await pin(directory, { dryRun: true })).files).toEqual(['compose.yaml', 'ephemos-deploy.json']);
    expect(textIn(directory, 'compose.yaml')).toBe(before);
  });

  it('leave a change by hand what it is', async () => {
    const directory = project();
    writeFileSync(join(directory, 'compose.yaml'), `${textIn(directory, 'compose.yaml')}# ours\n`);
    await pin(directory);
    expect(textIn(directory, 'compose.yaml')).toMatch(/spire-agent:1\.15\.2@sha256:[\s\S]*# ours\n$/);
    const changed = (await diffProject(directory)).files.filter(({ state }) => state !== 'same');
    expect(changed.map(({ name, state }) => [name, state])).toEqual([['compose.yaml', 'yours']]);
    expect(changed[0]?.diff?.split('\n').filter((line) => /^[+-](?![+-])/.test(line))).toEqual(['+# ours']);
  });

  it('that were written by hand, or by a run that was cut off, are taken as they are', async () => {
    const directory = project();
    const [[image, digest] = ['', '']] = digests;
    writeFileSync(join(directory, 'compose.yaml'), textIn(directory, 'compose.yaml').replaceAll(image, `${image}@${digest}`));
    expect(planPins(directory, { update: false }).asked).toHaveLength(1);
    await pin(directory, { digests: new Map() });
    expect(readRecord(directory).pins).toEqual(new Map([[image, digest]]));
    expect(statesOf(directory)).toEqual(['same']);
  });

  it('of images that Ephemos does not render any more are forgotten', async () => {
    const directory = project();
    await pin(directory);
    const old = `sha256:${'f'.repeat(64)}`;
    const record = textIn(directory, 'ephemos-deploy.json').replace(
      '"pins": {',
      `"pins": {\n    "ghcr.io/spiffe/spire-server:1.0.0": "${old}",`,
    );
    writeFileSync(join(directory, 'ephemos-deploy.json'), record);
    planProject(directory, composeTarget, {}).write({ dryRun: false });
    expect(readRecord(directory).pins).toEqual(new Map([...digests].toSorted(([a], [b]) => (a < b ? -1 : 1))));
  });
});

describe('pins of other files', () => {
  it('need no record, and keep the mode of a file', async () => {
    const directory = folder();
    mkdirSync(join(directory, 'docker'));
    const path = join(directory, 'docker/Dockerfile');
    writeFileSync(path, 'FROM ghcr.io/spiffe/spire-agent:1.15.2\n');
    chmodSync(path, 0o640);
    expect((await pin(directory)).files).toEqual(['docker/Dockerfile']);
    expect(textIn(directory, 'docker/Dockerfile')).toBe(`FROM ghcr.io/spiffe/spire-agent:1.15.2@sha256:${'1'.repeat(64)}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it('do not follow links out of the directory', async () => {
    const [outside, directory] = [folder(), folder()];
    writeFileSync(join(outside, 'Dockerfile'), 'FROM ghcr.io/spiffe/spire-agent:1.15.2\n');
    symlinkSync(join(outside, 'Dockerfile'), join(directory, 'Dockerfile'));
    expect(() => planPins(directory, { update: false })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }));
  });
});
