import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ephemos } from '../support/ephemos.ts';

describe('ephemos deploy verify', () => {
  it('finds nothing in what was just written, tells what was changed by hand, and fails for what is gone', async () => {
    const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    await ephemos(['deploy', 'init', '--target', 'compose', '--domain', 'prod.acme.com', '--out', 'stack'], { cwd });
    const { code, stdout, stderr } = await ephemos(['deploy', 'verify', 'stack'], { cwd });
    expect({ code, stderr, failed: /^ {2}FAIL.*$/m.exec(stdout)?.[0] }).toEqual({ code: 0, stderr: '', failed: undefined });
    expect(stdout).toContain('deploy.project  the deployment is as it was written\n  pass  files       9 files as written\n');
    writeFileSync(join(cwd, 'stack/entries.yaml'), '# mine\n');
    rmSync(join(cwd, 'stack/entries.json'));
    const json = await ephemos(['deploy', 'verify', 'stack', '--format', 'json'], { cwd });
    expect(JSON.parse(json.stdout)).toMatchObject({
      exitCode: 1,
      items: expect.arrayContaining([
        expect.objectContaining({
          id: 'deploy.project',
          rules: [
            expect.objectContaining({
              findings: [expect.objectContaining({ id: 'deploy.project.files.missing', file: 'stack/ephemos-deploy.json' })],
            }),
            expect.objectContaining({ result: 'pass' }),
          ],
        }),
      ]),
    });
    expect(json.code).toBe(1);
    expect(await ephemos(['deploy', 'verify', '.'], { cwd })).toMatchObject({ code: 3, stdout: '' });
  });
});
