import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { composeTarget } from '../../../src/deploy/compose/target.ts';
import { differs, diffProject } from '../../../src/deploy/diff/diff-project.ts';
import { unifiedDiff } from '../../../src/deploy/diff/unified-diff.ts';
import { planProject } from '../../../src/deploy/project/init-project.ts';
import { digestOf, parseRecord, RECORD, recordText } from '../../../src/deploy/project/record.ts';

function project(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  planProject(directory, composeTarget, { service: 'orders' }).write({ dryRun: false });
  return directory;
}

// What an Ephemos before this one wrote.
function older(directory: string, files: Readonly<Record<string, string | undefined>>): void {
  const path = join(directory, RECORD);
  const record = parseRecord(readFileSync(path, 'utf8'), path);
  const recorded = new Map(record.files);
  for (const [name, text] of Object.entries(files)) {
    if (text === undefined) {
      recorded.delete(name);
      rmSync(join(directory, name));
    } else {
      recorded.set(name, digestOf(text));
      writeFileSync(join(directory, name), text);
    }
  }
  writeFileSync(path, recordText({ ...record, files: recorded }));
}

async function statesIn(directory: string): Promise<Readonly<Record<string, string>>> {
  const { files } = await diffProject(directory);
  return Object.fromEntries(files.filter(({ state }) => state !== 'same').map(({ name, state }) => [name, state]));
}

describe('diffProject', () => {
  it('finds nothing in what this Ephemos has just written', async () => {
    const found = await diffProject(project());
    expect({ differs: differs(found), states: [...new Set(found.files.map(({ state }) => state))] }).toEqual({
      differs: false,
      states: ['same'],
    });
  });

  it('tells what Ephemos changed, what was changed by hand, both, and what is one more, gone or no longer written', async () => {
    const directory = project();
    const compose = readFileSync(join(directory, 'compose.yaml'), 'utf8');
    older(directory, {
      'compose.yaml': compose.replace('pids_limit: 200', 'pids_limit: 100'),
      'entries.json': '{}\n',
      'old.conf': 'old\n',
      '.gitignore': undefined,
    });
    writeFileSync(join(directory, 'entries.json'), '{"mine":1}\n');
    writeFileSync(join(directory, 'spire/agent.conf'), 'mine\n');
    rmSync(join(directory, 'entries.yaml'));
    expect(await statesIn(directory)).toEqual({
      'compose.yaml': 'changed',
      'entries.json': 'both',
      'spire/agent.conf': 'yours',
      'entries.yaml': 'missing',
      'old.conf': 'removed',
      '.gitignore': 'new',
    });
    const { files } = await diffProject(directory);
    expect(files.find(({ name }) => name === 'compose.yaml')?.diff).toMatch(/^--- a\/compose\.yaml\n\+\+\+ b\/compose\.yaml\n@@ /);
    expect(changedLines(files.find(({ name }) => name === 'compose.yaml')?.diff)).toEqual(['-  pids_limit: 100', '+  pids_limit: 200']);
    expect(changedLines(files.find(({ name }) => name === 'spire/agent.conf')?.diff)).toContain('+mine');
  });

  it('takes a change by hand alone for no difference of ours', async () => {
    const directory = project();
    writeFileSync(join(directory, 'entries.yaml'), 'mine\n');
    const found = await diffProject(directory);
    expect(differs(found)).toBe(false);
    expect(await statesIn(directory)).toEqual({ 'entries.yaml': 'yours' });
  });

  it('takes a file that somebody else put where Ephemos writes one now for both', async () => {
    const directory = project();
    older(directory, { 'entries.yaml': undefined });
    writeFileSync(join(directory, 'entries.yaml'), 'mine\n');
    expect(await statesIn(directory)).toEqual({ 'entries.yaml': 'both' });
  });

  it('needs a record, and believes none that leads out of the directory', async () => {
    const directory = project();
    for (const name of ['../x', '/etc/passwd', 'a/../../x', './x', 'a\\x', 'a\nx']) {
      const text = readFileSync(join(directory, RECORD), 'utf8').replace('"entries.json"', JSON.stringify(name));
      writeFileSync(join(directory, 'bad.json'), text);
      expect(() => parseRecord(text, 'r'), name).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }));
    }
    rmSync(join(directory, RECORD));
    await expect(diffProject(directory)).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: `${join(directory, RECORD)} is not there`,
    });
  });
});

describe('unifiedDiff', () => {
  it('gives up what nobody would read: very long texts, and texts that have nothing in common', () => {
    const lines = (word: string, number: number): string => Array.from({ length: number }, (_, index) => `${word} ${index}\n`).join('');
    expect(unifiedDiff('a', 'x\n', `${'y'.repeat(600_000)}\n`)).toBeUndefined();
    expect(unifiedDiff('a', lines('a', 2500), lines('b', 2500))).toBeUndefined();
    expect(unifiedDiff('a', 'x\n', 'x\n')).toBeUndefined();
    expect(unifiedDiff('a', 'x\n', 'y\n')).toBe('--- a/a\n+++ b/a\n@@ -1,1 +1,1 @@\n-x\n+y\n');
  });
});

function changedLines(diff: string | undefined): readonly string[] {
  return (diff ?? '').split('\n').filter((line) => /^[+-](?![+-])/.test(line));
}
