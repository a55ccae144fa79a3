import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ensureHostKeys, type HostKeys, keyFiles } from '../../../src/deploy/keys/host-key-files.ts';
import { makeMachine, makeUpstream } from '../../../src/deploy/keys/host-keys.ts';

const now = new Date('2027-01-02T03:04:05Z');
const days = (count: number): Date => new Date(now.getTime() + count * 86_400_000);

function keysIn(
  changes: Partial<HostKeys> = {},
): HostKeys & { readonly file: (name: string) => string; readonly read: (name: string) => string } {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const directory = join(base, 'stack', 'private');
  const file = (name: string): string => join(directory, name);
  return { directory, organization: 'Acme', machine: 'machine-1', now, file, read: (name) => readFileSync(file(name), 'utf8'), ...changes };
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

const bringUpstream = async (keys: ReturnType<typeof keysIn>, made = makeUpstream('Corp', now)): Promise<void> => {
  const { root, authority } = await made;
  mkdirSync(keys.file('upstream'), { recursive: true, mode: 0o700 });
  writeFileSync(keys.file(keyFiles.upstream.certificate), authority.certificate, { mode: 0o600 });
  writeFileSync(keys.file(keyFiles.upstream.key), authority.key, { mode: 0o600 });
  writeFileSync(keys.file(keyFiles.upstream.roots), root.certificate, { mode: 0o600 });
};

describe('the keys of a deployment on hosts', () => {
  it('are an upstream authority under a root, and a machine under an authority of its own, each for its time', async () => {
    const keys = keysIn();
    expect(await ensureHostKeys(keys)).toEqual([
      { what: 'upstream authority', state: 'new', path: keys.file('upstream/ca.crt'), until: days(365), late: false },
      { what: 'machine', state: 'new', path: keys.file('node/node.crt'), until: days(90), late: false },
    ]);
    const certificate = (name: string): X509Certificate => new X509Certificate(keys.read(name));
    const [root, upstream, machines, machine] = ['upstream/roots.pem', 'upstream/ca.crt', 'nodes/ca.crt', 'node/node.crt'].map(certificate);
    if (root === undefined || upstream === undefined || machines === undefined || machine === undefined) throw new Error('no certificate');
    expect([root, upstream, machines, machine].map(({ ca, subject, validTo }) => [ca, subject, new Date(validTo)])).toEqual([
      [true, 'O=Acme\nCN=Acme root', days(3650)],
      [true, 'O=Acme\nCN=Acme upstream', days(365)],
      [true, 'O=Acme\nCN=Acme machines', days(3650)],
      [false, 'O=Acme\nCN=machine-1', days(90)],
    ]);
    expect(upstream.checkIssued(root) && upstream.verify(root.publicKey)).toBe(true);
    expect(machine.checkIssued(machines) && machine.verify(machines.publicKey)).toBe(true);
    expect(upstream.checkPrivateKey(createPrivateKey(keys.read('upstream/ca.key')))).toBe(true);
    expect(machine.checkPrivateKey(createPrivateKey(keys.read('node/node.key')))).toBe(true);
    expect(keys.read('node/bootstrap.pem')).toBe(keys.read('upstream/roots.pem'));
    expect(new Set([root, upstream, machines, machine].map(({ serialNumber }) => serialNumber)).size).toBe(4);
  });

  it('are for their owner alone, whatever the umask', async () => {
    const keys = keysIn();
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    await ensureHostKeys(keys);
    expect(filesBelow(keys.directory).map((path) => statSync(path).mode & 0o777)).toEqual([...Array<number>(7)].map(() => 0o600));
    expect(['', 'upstream', 'nodes', 'node'].map((name) => statSync(keys.file(name)).mode & 0o777)).toEqual([0o700, 0o700, 0o700, 0o700]);
  });

  it('leave the keys of the root and of the authority of machines nowhere', async () => {
    const keys = keysIn();
    await ensureHostKeys(keys);
    const secrets = filesBelow(join(keys.directory, '../..')).filter((path) => readFileSync(path, 'utf8').includes('PRIVATE KEY'));
    expect(secrets).toEqual([keys.file('node/node.key'), keys.file('upstream/ca.key')]);
  });

  it('leave them in the offline directory that is named, which is not inside of the deployment and is never written over', async () => {
    const keys = keysIn();
    const offline = join(keys.directory, '../../vault');
    await ensureHostKeys({ ...keys, offline });
    expect(readdirSync(offline).sort()).toEqual(['nodes.crt', 'nodes.key', 'root.crt', 'root.key']);
    expect(statSync(join(offline, 'root.key')).mode & 0o777).toBe(0o600);
    const root = new X509Certificate(keys.read('upstream/roots.pem'));
    expect(root.checkPrivateKey(createPrivateKey(readFileSync(join(offline, 'root.key'))))).toBe(true);
    rmSync(keys.directory, { recursive: true });
    await expect(ensureHostKeys({ ...keys, offline })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: `${join(offline, 'root.key')} is there already`,
    });
    await expect(ensureHostKeys({ ...keys, offline: join(keys.directory, '../keys') })).rejects.toMatchObject({
      message: expect.stringContaining('is inside of the deployment'),
    });
    expect(existsSync(keys.directory)).toBe(false);
  });

  it('stay as they are in a second run, and only say when they are to be renewed', async () => {
    const keys = keysIn();
    await ensureHostKeys(keys);
    const before = filesBelow(keys.directory).map((path) => [path, statSync(path).ino, readFileSync(path, 'utf8')]);
    const report = await ensureHostKeys({ ...keys, now: days(70) });
    expect(report.map(({ state, late }) => [state, late])).toEqual([
      ['kept', false],
      ['kept', true],
    ]);
    expect(filesBelow(keys.directory).map((path) => [path, statSync(path).ino, readFileSync(path, 'utf8')])).toEqual(before);
  });

  it("may be one's own: what is there is kept, and the rest is made", async () => {
    const keys = keysIn();
    await bringUpstream(keys);
    const brought = keys.read('upstream/ca.key');
    expect((await ensureHostKeys(keys)).map(({ state }) => state)).toEqual(['kept', 'new']);
    expect(keys.read('upstream/ca.key')).toBe(brought);
    expect(keys.read('node/bootstrap.pem')).toBe(keys.read('upstream/roots.pem'));
  });

  it('are made anew for a machine when those of the old one are removed', async () => {
    const keys = keysIn();
    await ensureHostKeys(keys);
    const [upstream, machine] = [keys.read('upstream/ca.crt'), keys.read('node/node.crt')];
    for (const name of ['nodes', 'node']) rmSync(keys.file(name), { recursive: true });
    expect((await ensureHostKeys({ ...keys, now: days(80) })).map(({ state, late }) => [state, late])).toEqual([
      ['kept', false],
      ['new', false],
    ]);
    expect(keys.read('upstream/ca.crt')).toBe(upstream);
    expect(keys.read('node/node.crt')).not.toBe(machine);
  });

  it('are written by nobody who only asks what would be', async () => {
    const keys = keysIn();
    expect((await ensureHostKeys(keys, { dryRun: true })).map(({ state }) => state)).toEqual(['new', 'new']);
    expect(existsSync(keys.directory)).toBe(false);
  });
});

type Spoil = (keys: ReturnType<typeof keysIn>) => Promise<void> | void;
const wrong: readonly (readonly [string, Spoil, string])[] = [
  ['half of a pair', ({ file }) => rmSync(file('upstream/ca.key')), 'upstream/ca.crt is there, and'],
  ['a machine without its authority', ({ file }) => rmSync(file('nodes/ca.crt')), 'nodes/ca.crt is not'],
  [
    'a bundle without an authority',
    ({ file }) => rmSync(file('upstream'), { recursive: true }),
    'bootstrap.pem is there, and no upstream authority',
  ],
  ['a key that others may read', ({ file }) => chmodSync(file('upstream/ca.key'), 0o640), 'others may read'],
  [
    'a key of another certificate',
    ({ file, read }) => writeFileSync(file('upstream/ca.key'), read('node/node.key')),
    'ca.key is not the key of',
  ],
  ['no key at all', ({ file }) => writeFileSync(file('node/node.key'), 'secret'), 'node.key holds no private key'],
  ['no certificate', ({ file }) => writeFileSync(file('upstream/ca.crt'), 'x'), 'ca.crt holds no certificate'],
  [
    'a root that did not sign',
    ({ file, read }) => writeFileSync(file('upstream/roots.pem'), read('nodes/ca.crt')),
    'ca.crt was not signed by what is in',
  ],
  [
    'a bundle of somebody else',
    ({ file, read }) => writeFileSync(file('node/bootstrap.pem'), read('nodes/ca.crt')),
    'ca.crt was not signed by what is in',
  ],
  [
    'an upstream that may not sign',
    async (keys) => {
      rmSync(keys.file('upstream'), { recursive: true });
      const { authority: root, machine: authority } = await makeMachine('Corp', 'machine-1', now);
      await bringUpstream(keys, Promise.resolve({ root, authority }));
    },
    'ca.crt may not sign certificates',
  ],
  [
    'the certificate of another machine',
    async ({ file }) => {
      const { authority, machine } = await makeMachine('Acme', 'machine-2', now);
      writeFileSync(file('nodes/ca.crt'), authority.certificate);
      writeFileSync(file('node/node.crt'), machine.certificate);
      writeFileSync(file('node/node.key'), machine.key);
    },
    'node.crt is for "machine-2", and the entries are for "machine-1"',
  ],
];

describe('keys that do not do', () => {
  it.each(wrong)('%s is refused, and nothing is written', async (_, spoil, message) => {
    const keys = keysIn();
    await ensureHostKeys(keys);
    await spoil(keys);
    const before = filesBelow(keys.directory);
    await expect(ensureHostKeys(keys)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(message) });
    expect(filesBelow(keys.directory)).toEqual(before);
  });

  it.each([
    [91, 'node.crt expired on 2027-04-02'],
    [-1, 'is not valid before 2027-01-02'],
  ])('a certificate is refused outside of its time: after %i days', async (count, message) => {
    const keys = keysIn();
    await ensureHostKeys(keys);
    await expect(ensureHostKeys({ ...keys, now: days(count) })).rejects.toMatchObject({ message: expect.stringContaining(message) });
  });
});
