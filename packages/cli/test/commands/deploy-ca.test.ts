import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ephemos } from '../support/ephemos.ts';

function folder(): string {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  return cwd;
}

const init = ['deploy', 'ca', 'init', '--domain', 'prod.acme.com', '--offline', 'vault', '--out', 'upstream'];
const renew = ['deploy', 'ca', 'renew', '--offline', 'vault', '--out', 'upstream'];

describe('ephemos deploy ca', () => {
  it('makes an authority once: 5 before, 0, and 0 with nothing to do', async () => {
    const cwd = folder();
    expect(await ephemos([...init, '--dry-run'], { cwd })).toMatchObject({ code: 5, stderr: '' });
    expect(readdirSync(cwd)).toEqual([]);
    const { code, stdout, stderr } = await ephemos(init, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^new {2}root +vault\/root\.crt +until \d{4}-\d\d-\d\d, replace it from \d{4}-\d\d-\d\d on\n/);
    expect(stdout).toContain('take vault off this machine');
    expect(stdout).not.toContain('PRIVATE KEY');
    const again = await ephemos([...init, '--dry-run'], { cwd });
    expect({ code: again.code, states: again.stdout.match(/^\w+/gm) }).toEqual({ code: 0, states: ['kept', 'kept'] });
  });

  it('renews when it is due, or told to, and tells programs of it', async () => {
    const cwd = folder();
    await ephemos(init, { cwd });
    expect(await ephemos(renew, { cwd })).toMatchObject({ code: 0, stdout: expect.stringMatching(/^kept {2}upstream authority/) });
    const { code, stdout } = await ephemos([...renew, '--force', '--curve', 'P-384', '--days', '30', '--format', 'json'], { cwd });
    expect({ code, ...JSON.parse(stdout) }).toEqual({
      code: 0,
      written: true,
      certificates: [
        {
          what: 'upstream authority',
          state: 'renewed',
          path: 'upstream/tls.crt',
          until: expect.stringMatching(/Z$/),
          due: expect.stringMatching(/Z$/),
          late: false,
        },
      ],
      exitCode: 0,
    });
    expect(await ephemos([...renew, '--force', '--dry-run'], { cwd })).toMatchObject({ code: 5 });
  });

  it('shows what is there, and ends with 1 when something is due', async () => {
    const cwd = folder();
    await ephemos([...init, '--days', '8'], { cwd });
    expect(await ephemos(['deploy', 'ca', 'show', 'vault'], { cwd })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^good {2}root/),
    });
    expect(await ephemos(['deploy', 'ca', 'show', 'upstream'], { cwd })).toMatchObject({ code: 0 });
    const { code, stdout } = await ephemos(['deploy', 'ca', 'show', 'upstream', '--ca-ttl', '9d', '--format', 'json'], { cwd });
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({
      code: 1,
      certificates: [
        { what: 'root', domain: 'prod.acme.com', late: false, problem: null },
        { what: 'upstream authority', domain: 'prod.acme.com', late: true, problem: null },
      ],
      exitCode: 1,
    });
  });

  it('signs for a machine', async () => {
    const cwd = folder();
    const { code, stdout } = await ephemos(['deploy', 'ca', 'machine', 'machine-1', '--offline', 'vault', '--out', 'node'], { cwd });
    expect({ code, states: stdout.match(/^\w+/gm)?.slice(0, 2) }).toEqual({ code: 0, states: ['new', 'new'] });
    expect(readdirSync(join(cwd, 'node')).sort()).toEqual(['node.crt', 'node.key', 'nodes.crt']);
  });

  it.each([
    [
      3,
      [...init.slice(0, -1), 'vault/upstream'],
      /^error: vault and vault\/upstream are not apart\nhint: the key of the root belongs on no server/,
    ],
    [3, [...init, '--days', '7'], /^error: 7 days are no longer than what SPIRE signs/],
    [3, renew, /^error: there is no root in vault\nhint: /],
    [3, ['deploy', 'ca', 'show', '.'], /^error: \. holds none of root\.crt/],
    [2, [...init, '--days', '0'], /number of days/],
    [2, [...init, '--curve', 'P-521'], /allowed choices are P-256, P-384/],
    [2, init.slice(0, -2), /required option '--out <directory>'/],
  ])('ends with %i on %j', async (code, args, said) => {
    const cwd = folder();
    const found = await ephemos(args, { cwd });
    expect(found).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(said) });
    expect(readdirSync(cwd)).toEqual([]);
  });
});
