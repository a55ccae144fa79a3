import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { initStack } from '../../../src/deploy/compose/init-stack.ts';
import { parseRecord, recordOf, recordText } from '../../../src/deploy/project/record.ts';
import { writeProject } from '../../../src/deploy/project/write-project.ts';
import { ephemos } from '../../support/ephemos.ts';

const now = new Date('2027-01-02T03:04:05Z');

function folder(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const statesOf = ({ files }: Awaited<ReturnType<typeof initStack>>): readonly string[] => [...new Set(files.map(({ state }) => state))];

describe('a stack', () => {
  it('is not changed by a second run', async () => {
    const directory = join(folder(), 'stack');
    expect(statesOf(await initStack({ directory, now }))).toEqual(['new']);
    const before = statSync(join(directory, 'compose.yaml')).ino;
    const { answers, keys, ...second } = await initStack({ directory, now });
    expect(statesOf({ answers, keys, ...second })).toEqual(['same']);
    expect(keys.map(({ state }) => state)).toEqual(['kept', 'kept']);
    expect(statSync(join(directory, 'compose.yaml')).ino).toBe(before);
  });

  it('remembers its answers, and takes no others', async () => {
    const directory = join(folder(), 'stack');
    await initStack({ directory, given: { service: 'orders', domain: 'prod.acme.com' }, now });
    expect((await initStack({ directory, now })).answers).toEqual({ service: 'orders', domain: 'prod.acme.com' });
    await expect(initStack({ directory, given: { domain: 'other.acme.com' }, now })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: `${directory} was made for service orders, domain prod.acme.com`,
    });
  });

  it('leaves what was changed by hand as it is, and says so', async () => {
    const directory = join(folder(), 'stack');
    await initStack({ directory, now });
    const path = join(directory, 'compose.yaml');
    writeFileSync(path, `${readFileSync(path, 'utf8')}# ours\n`);
    const { files } = await initStack({ directory, now });
    expect(files.filter(({ state }) => state !== 'same')).toEqual([{ name: 'compose.yaml', state: 'yours' }]);
    expect(readFileSync(path, 'utf8')).toContain('# ours');
  });

  it('brings back what was removed', async () => {
    const directory = join(folder(), 'stack');
    await initStack({ directory, now });
    rmSync(join(directory, 'entries.json'));
    expect((await initStack({ directory, now })).files.filter(({ state }) => state === 'new')).toEqual([
      { name: 'entries.json', state: 'new' },
    ]);
  });

  it('is not begun when its keys do not do', async () => {
    const directory = join(folder(), 'stack');
    mkdirSync(join(directory, 'private/upstream'), { recursive: true });
    writeFileSync(join(directory, 'private/upstream/ca.crt'), 'x', { mode: 0o600 });
    await expect(initStack({ directory, now })).rejects.toMatchObject({ message: expect.stringContaining('ca.key is not') });
    expect(existsSync(join(directory, 'compose.yaml'))).toBe(false);
  });

  it('names its owner, whom SPIRE runs as, and keeps what was written over it', async () => {
    const directory = join(folder(), 'stack');
    const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    await initStack({ directory, user, now });
    const uid = user.uid === 0 ? 20_000 : user.uid;
    expect(readFileSync(join(directory, '.env'), 'utf8')).toContain(`SPIRE_UID=${uid}\n`);
    expect(statSync(join(directory, 'private/upstream/ca.key')).uid).toBe(uid);
    writeFileSync(join(directory, '.env'), 'SPIRE_UID=0\n');
    await initStack({ directory, user, now });
    expect(readFileSync(join(directory, '.env'), 'utf8')).toBe('SPIRE_UID=0\n');
  });
});

describe('writeProject', () => {
  it('changes what it rendered before, and refuses what was changed by hand since, naming all of it and writing nothing', () => {
    const directory = folder();
    const before = recordOf('compose', { answers: {}, files: new Map(['a', 'b', 'c'].map((name) => [name, `${name} 1\n`])) }).files;
    for (const name of ['a', 'b', 'c']) writeFileSync(join(directory, name), `${name} 1\n`);
    const files = new Map(['a', 'b', 'c'].map((name) => [name, `${name} 2\n`]));
    for (const name of ['b', 'c']) writeFileSync(join(directory, name), 'mine\n');
    expect(() => writeProject(directory, files, { before })).toThrow(
      `${join(directory, 'b')}, ${join(directory, 'c')}: changed by hand, or not written by this command`,
    );
    expect(readFileSync(join(directory, 'a'), 'utf8')).toBe('a 1\n');
    for (const name of ['b', 'c']) writeFileSync(join(directory, name), `${name} 1\n`);
    expect(writeProject(directory, files, { before }).map(({ state }) => state)).toEqual(['changed', 'changed', 'changed']);
  });

  it('makes files that the users of the containers can read, whatever the umask', () => {
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    const directory = join(folder(), 'a', 'b');
    writeProject(directory, new Map([['c/d', 'x']]), { before: new Map() });
    expect(['', 'c', 'c/d'].map((name) => statSync(join(directory, name)).mode & 0o777)).toEqual([0o755, 0o755, 0o644]);
  });
});

describe('a record', () => {
  const record = recordOf('compose', { answers: { service: 'echo' }, files: new Map([['a', 'b']]) });
  it('is read as it was written', () => expect(parseRecord(recordText(record), 'r')).toEqual(record));
  it.each(['', '{}', '[]', 'null', `{"target":"other"}`, recordText(record).replace('"echo"', '1'), ' '.repeat(70_000)])(
    'that is none is refused',
    (text) => expect(() => parseRecord(text, 'r')).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' })),
  );
});

describe('ephemos deploy init', () => {
  it('says what it wrote, until when keys are good, and what to do next', async () => {
    const cwd = folder();
    const args = ['deploy', 'init', '--target', 'compose', '--service-name', 'orders', '--out', 'stack'];
    const dry = await ephemos([...args, '--dry-run'], { cwd });
    expect({ code: dry.code, made: existsSync(join(cwd, 'stack')) }).toEqual({ code: 5, made: false });
    const { code, stdout, stderr } = await ephemos(args, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^new {2}stack\/private\/upstream\/ca\.crt {2,}upstream authority, until \d{4}-\d\d-\d\d$/m);
    expect(stdout).toContain('were used once and forgotten: renewing means making new ones.\n');
    expect(stdout).toContain(`Next, in ${join(cwd, 'stack')}:\n  docker compose up -d\n`);
    expect(await ephemos([...args, '--dry-run', '--format', 'json'], { cwd })).toMatchObject({ code: 0 });
  });

  it('refuses names that are none', async () => {
    const cwd = folder();
    expect(await ephemos(['deploy', 'init', '--target', 'compose', '--domain', 'Acme'], { cwd })).toMatchObject({ code: 3, stdout: '' });
    expect(await ephemos(['deploy', 'init', '--target', 'compose', '--service-name', '../x'], { cwd })).toMatchObject({ code: 3 });
    expect(await ephemos(['deploy', 'init'], { cwd })).toMatchObject({ code: 2 });
    expect(await ephemos(['deploy', 'init', '--target', 'nomad'], { cwd })).toMatchObject({ code: 2 });
  });
});
