import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { initStack } from '../../../src/deploy/compose/init-stack.ts';
import { gatherProject } from '../../../src/deploy/verify/gather-project.ts';
import { projectChecklist } from '../../../src/deploy/verify/project-item.ts';
import { verifyProject } from '../../../src/deploy/verify/verify-project.ts';
import { judge } from '../../../src/doctor/judge.ts';

const now = new Date('2027-01-02T03:04:05Z');
const inDays = (days: number): Date => new Date(now.getTime() + days * 86_400_000);

async function stack(): Promise<string> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  await initStack({ directory, given: { service: 'orders' }, now });
  return directory;
}

async function verdicts(directory: string, at: Date = now): Promise<readonly string[]> {
  const [item] = judge(projectChecklist, await gatherProject(directory, at)).items;
  return (item?.rules ?? []).map((rule) =>
    'reason' in rule
      ? `${rule.result}: ${rule.reason}`
      : `${rule.result}: ${rule.findings.map(({ id, what }) => `${id} ${what}`).join(', ')}`,
  );
}

describe('a deployment that is verified', () => {
  it('passes as it was written, and says until when its keys are good', async () => {
    expect(await verdicts(await stack())).toEqual([
      'pass: 9 files as written',
      'pass: upstream authority until 2028-01-02, machine until 2027-04-02',
    ]);
  });

  it('passes with a change by hand, which is told', async () => {
    const directory = await stack();
    writeFileSync(join(directory, 'entries.yaml'), '# mine\n');
    expect((await verdicts(directory))[0]).toBe('pass: 8 files as written; changed by hand: entries.yaml');
  });

  it('fails for every file that is gone', async () => {
    const directory = await stack();
    for (const name of ['entries.yaml', 'spire/agent.conf']) rmSync(join(directory, name));
    expect((await verdicts(directory))[0]).toBe(
      'fail: deploy.project.files.missing spire/agent.conf is not there, deploy.project.files.missing entries.yaml is not there',
    );
  });

  it('fails for keys that others may read, that are gone, expired or of others, and warns before they expire', async () => {
    const directory = await stack();
    const key = join(directory, 'private/upstream/ca.key');
    chmodSync(key, 0o644);
    expect((await verdicts(directory))[1]).toBe(`fail: deploy.project.keys.wrong others may read ${key}`);
    chmodSync(key, 0o600);
    expect((await verdicts(directory, inDays(80)))[1]).toMatch(
      /^warn: deploy\.project\.keys\.expires-soon the certificate of the machine is good until 2027-04-02$/,
    );
    expect((await verdicts(directory, inDays(91)))[1]).toMatch(/^fail: deploy\.project\.keys\.wrong .*node\.crt expired on 2027-04-02$/);
    const other = await stack();
    writeFileSync(key, readFileSync(join(other, 'private/upstream/ca.key')));
    expect((await verdicts(directory))[1]).toMatch(/^fail: deploy\.project\.keys\.wrong .* is not the key of /);
    rmSync(join(directory, 'private/upstream'), { recursive: true });
    rmSync(join(directory, 'private/node/bootstrap.pem'));
    expect((await verdicts(directory))[1]).toMatch(/^fail: deploy\.project\.keys\.wrong .*ca\.crt is not there$/);
  });

  it('skips the keys of a copy that has none, as a repository holds it', async () => {
    const directory = await stack();
    rmSync(join(directory, 'private'), { recursive: true });
    expect((await verdicts(directory))[1]).toBe(
      `skip: ${join(directory, 'private')} is not there: this is a copy of the deployment without its keys`,
    );
  });

  it('is not one without a record, nor with a record that is none', async () => {
    const directory = await stack();
    writeFileSync(join(directory, 'ephemos-deploy.json'), '{}');
    await expect(gatherProject(directory, now)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    rmSync(join(directory, 'ephemos-deploy.json'));
    await expect(gatherProject(directory, now)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
  });

  it('is judged by the whole checklist of production too', async () => {
    const { items, counts } = await verifyProject(await stack(), now);
    expect(items[0]?.id).toBe('deploy.project');
    expect(items.map(({ id }) => id)).toContain('config.production');
    expect(counts.pass + counts.fail + counts.warn + counts.skip).toBe(items.flatMap(({ rules }) => rules).length);
  });
});
