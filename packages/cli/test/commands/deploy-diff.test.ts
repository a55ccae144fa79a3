import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ephemos } from '../support/ephemos.ts';

async function project(): Promise<string> {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  expect(await ephemos(['deploy', 'init', '--target', 'compose', '--out', 'stack'], { cwd })).toMatchObject({ code: 0 });
  return cwd;
}

describe('ephemos deploy diff', () => {
  it('ends with 0 when there is nothing to change, and shows a change by hand all the same', async () => {
    const cwd = await project();
    expect(await ephemos(['deploy', 'diff', 'stack'], { cwd })).toMatchObject({ code: 0, stdout: '9 files as this Ephemos writes them\n' });
    const path = join(cwd, 'stack/compose.yaml');
    writeFileSync(path, `${readFileSync(path, 'utf8')}# \u001b[31mours\n`);
    const { code, stdout } = await ephemos(['deploy', 'diff', 'stack'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^yours {2}compose\.yaml {2}changed by hand; /);
    expect(stdout).toContain('\n+# \\u{1b}[31mours\n');
  });

  it('ends with 5 when something would be changed, says what writes it, and writes nothing', async () => {
    const cwd = await project();
    rmSync(join(cwd, 'stack/entries.json'));
    const { code, stdout } = await ephemos(['deploy', 'diff', 'stack'], { cwd });
    expect(code).toBe(5);
    expect(stdout).toContain('missing  entries.json  it was written, and is not there\n');
    expect(stdout).toContain('\n--- a/entries.json\n+++ b/entries.json\n@@ ');
    expect(stdout).toMatch(/\nwrite it: ephemos deploy init --target compose --out stack\n$/);
    const json = await ephemos(['deploy', 'diff', 'stack', '--format', 'json'], { cwd });
    expect(JSON.parse(json.stdout)).toMatchObject({
      target: 'compose',
      exitCode: 5,
      files: expect.arrayContaining([{ name: 'compose.yaml', state: 'same', diff: null }]),
    });
    expect(await ephemos(['deploy', 'diff', 'stack'], { cwd })).toMatchObject({ code: 5 });
  });

  it('needs a directory with a record', async () => {
    const cwd = await project();
    expect(await ephemos(['deploy', 'diff', '.'], { cwd })).toMatchObject({
      code: 3,
      stderr: 'error: ephemos-deploy.json is not there\nhint: name a directory that "ephemos deploy init" made\n',
    });
    expect(await ephemos(['deploy', 'diff'], { cwd })).toMatchObject({ code: 2 });
  });
});
