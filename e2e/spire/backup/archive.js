// The archive and its making: for whom it is encrypted, how it appears, how it goes, and what backup.sh refuses.
import { strict as assert } from 'node:assert';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { foldersOnPath, isExecutable } from '../../../scripts/lib/programs.js';
import { register } from '../deployment/deployment.js';
import { until } from '../observe.js';
import { checkout } from '../room.js';
import { sha256 } from './fingerprint.js';
import { entriesOf } from './forge.js';
import { confOf, firstOf, inRoom, openPlace, serverWords } from './places.js';

const [failed, usage, config] = [1, 2, 3];
const orders = 22_401;

/**
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<readonly string[]>}
 */
export function archives({ log }) {
  return inRoom({ name: 'bk-a', log }, async (room) => {
    const place = await openPlace(room, { variant: 'host' });
    const { scripts, running } = place;
    const told = [
      await unencrypted(place),
      await interrupted(place),
      await withoutTool(place),
      await gpg(place),
      await kept(place),
      await configuration(place),
      await plainCopy(place),
      await documented(place),
    ];
    const conf = confOf(running.deployment, 'spire');
    const out = ['--out', scripts.vault];
    const server = ['--server', `spire=${conf}`];
    const recipients = ['--recipient', 'age1nobody'];
    for (const [words, code, says] of /** @type {const} */ ([
      [[...out, ...server], usage, /not said who may read/],
      [[...out, ...server, '--unencrypted', ...recipients], usage, /exclude each other/],
      [[...out, '--unencrypted'], usage, /no --server/],
      [[...server, '--unencrypted'], usage, /no --out/],
      [[...out, ...server, '--unencrypted', '--keep', '0'], usage, /--keep wants/],
      [[...out, ...server, '--unencrypted', '--all'], usage, /no option --all/],
      [[...out, '--server', conf, '--unencrypted'], usage, /NAME=CONF/],
      [[...out, '--server', `../x=${conf}`, '--unencrypted'], usage, /NAME=CONF/],
      [['--out', `${scripts.vault}/none`, ...server, '--unencrypted'], config, /is no folder/],
      [[...out, '--server', `spire=${conf}.none`, '--unencrypted'], config, /cannot be read/],
      [[...out, ...server, ...recipients], failed, /cannot be written: .*recipient/],
    ])) {
      const ended = await scripts.run('backup.sh', words);
      assert.equal(ended.code, code, `${words.join(' ')}: ${ended.code} ${ended.stderr}`);
      assert.match(ended.stderr, says);
    }
    const files = readdirSync(scripts.vault);
    await firstOf(place).daemon.stop();
    const down = await scripts.run('backup.sh', [...out, ...server, '--unencrypted']);
    assert.equal(down.code, failed);
    assert.match(down.stderr, /spire does not answer on/);
    assert.deepEqual(readdirSync(scripts.vault), files, 'a refused backup left a file');
    return told;
  });
}

/** @param {import('./places.js').Place} place */
async function unencrypted({ scripts, running }) {
  const words = ['--out', scripts.vault, '--unencrypted', '--server', `spire=${confOf(running.deployment, 'spire')}`];
  const ended = await scripts.run('backup.sh', words);
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stderr, /NOT ENCRYPTED, and holds the keys that sign identities/);
  const [name = ''] = readdirSync(scripts.vault);
  const path = join(scripts.vault, name);
  assert.match(name, /^spire-example\.org-spire-\d{8}T\d{6}Z\.backup$/);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.ok(ended.stdout.includes(sha256(readFileSync(path))), 'the SHA-256 is not that of the archive');
  const entries = entriesOf(readFileSync(path)).map((entry) => entry.name);
  assert.ok(entries.includes('servers/spire/keys.json') && !entries.some((entry) => entry.endsWith('.key')), `it holds ${entries}`);
  const manifest = entriesOf(readFileSync(path))[0]?.data.toString() ?? '';
  assert.match(manifest, /^trust_domain example\.org$/m);
  rmSync(path);

  const withKey = await scripts.backUp([...words.slice(2), '--with-upstream-key']);
  assert.ok(entriesOf(readFileSync(withKey)).some((entry) => entry.name === 'servers/spire/upstream.key'));
  rmSync(withKey);
  return `${entries.length} files in it, mode 0600, said to be unencrypted; the key of the upstream authority only when asked for`;
}

/** Ended in the middle: nothing is there under its name, and after a signal nothing at all. @param {import('./places.js').Place} place */
async function interrupted(place) {
  const { room, scripts } = place;
  const [reached, go, real] = [join(room.folder, 'reached'), join(room.folder, 'go'), join(scripts.bin, 'age.real')];
  const age = join(scripts.bin, 'age');
  renameSync(age, real);
  writeFileSync(age, `#!/bin/sh\nprintf half\n: >'${reached}'\nwhile [ ! -e '${go}' ]; do sleep 0.1; done\nexec '${real}' "$@"\n`, {
    mode: 0o755,
  });
  const program = scripts.start('backup.sh', ['--out', scripts.vault, ...serverWords(place), '--recipient', scripts.age.recipient]);
  await until(
    async () => existsSync(reached),
    (there) => there,
    { timeout: 30_000, what: 'the archive is being written' },
  );
  const [half = ''] = readdirSync(scripts.vault);
  assert.match(half, /^\..*\.backup\.age\.\d+$/, `it is written under its name: ${half}`);
  const stopping = program.stop({ signal: 'SIGTERM' });
  writeFileSync(go, '');
  const { code } = await stopping;
  assert.equal(code, 143);
  assert.deepEqual(readdirSync(scripts.vault), [], 'a stopped backup left a file');
  rmSync(age);
  renameSync(real, age);
  return 'stopped while it wrote: no archive, no rest';
}

/** @param {import('./places.js').Place} place */
async function withoutTool(place) {
  const { scripts } = place;
  const age = join(scripts.bin, 'age');
  renameSync(age, `${age}.away`);
  const ended = await scripts.run('backup.sh', ['--out', scripts.vault, ...serverWords(place), '--recipient', scripts.age.recipient]);
  renameSync(`${age}.away`, age);
  assert.equal(ended.code, config, ended.stderr);
  assert.match(ended.stderr, /there is no age on PATH\nhint: .*an encrypted backup was asked for, and none is made/);
  assert.deepEqual(readdirSync(scripts.vault), []);
  return 'no age: no backup';
}

/** GnuPG, with a key ring of its own. @param {import('./places.js').Place} place */
async function gpg(place) {
  const { room, scripts } = place;
  const [program, conf, agent] = ['gpg', 'gpgconf', 'gpg-agent'].map((name) =>
    foldersOnPath()
      .map((folder) => join(folder, name))
      .find(isExecutable),
  );
  if (program === undefined || conf === undefined || agent === undefined) return 'left out: there is no GnuPG here';
  const home = join(room.folder, 'gpg');
  mkdirSync(home, { mode: 0o700 });
  const env = { ...process.env, GNUPGHOME: home };
  symlinkSync(program, join(scripts.bin, 'gpg'));
  try {
    const words = [
      '--batch',
      '--quiet',
      '--pinentry-mode',
      'loopback',
      '--passphrase',
      '',
      '--quick-generate-key',
      'backup@example.org',
      'default',
      'default',
      'never',
    ];
    const made = await room.programs.run('gpg-key', program, words, { env });
    assert.equal(made.code, 0, made.stderr);
    const archive = await scripts.backUp([...serverWords(place), '--gpg-recipient', 'backup@example.org'], { GNUPGHOME: home });
    const verified = await scripts.run('verify.sh', ['--archive', archive], { GNUPGHOME: home });
    assert.equal(verified.code, 0, verified.stderr);
    const whole = readFileSync(archive);
    writeFileSync(archive, whole.subarray(0, whole.length - 30));
    const cut = await scripts.run('verify.sh', ['--archive', archive], { GNUPGHOME: home });
    assert.equal(cut.code, 4, cut.stderr);
    rmSync(archive);
    return 'GnuPG: made, verified, refused when cut off';
  } finally {
    await room.programs.run('gpgconf', conf, ['--kill', 'all'], { env });
  }
}

/** @param {import('./places.js').Place} place */
async function kept(place) {
  const { scripts } = place;
  const older = [1, 2, 3].map((day) => `spire-example.org-spire-2020010${day}T000000Z.backup`);
  const others = [
    'spire-example.org-spire-2-20200101T000000Z.backup',
    'spire-exampleXorg-spire-20200101T000000Z.backup',
    'notes.txt',
    '.spire-example.org-spire-20200101T000000Z.backup',
  ];
  for (const name of [...older, ...others]) writeFileSync(join(scripts.vault, name), '');
  await scripts.backUp([...serverWords(place), '--unencrypted', '--keep', '2']);
  const left = readdirSync(scripts.vault);
  assert.deepEqual(
    left.filter((name) => older.includes(name)),
    [older[2]],
  );
  assert.equal(left.filter((name) => /^spire-example\.org-spire-20.*\.backup$/.test(name)).length, 2);
  assert.deepEqual(left.filter((name) => others.includes(name)).sort(), [...others].sort());
  for (const name of left) rmSync(join(scripts.vault, name));
  return '--keep 2 leaves two, and what is of others';
}

/** @param {import('./places.js').Place} place */
async function configuration(place) {
  const { room, scripts, running } = place;
  const archive = await scripts.backUp([...serverWords(place), '--unencrypted']);
  const to = join(room.folder, 'configuration');
  const first = await scripts.run('restore.sh', ['--archive', archive, '--config-to', to]);
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(readdirSync(join(to, 'spire')).sort(), ['nodes.crt', 'server.conf', 'upstream-roots.pem', 'upstream.crt']);
  assert.equal(readFileSync(join(to, 'spire', 'server.conf'), 'utf8'), readFileSync(running.deployment.path('server.conf'), 'utf8'));
  const again = await scripts.run('restore.sh', ['--archive', archive, '--config-to', to]);
  assert.equal(again.code, 4, again.stderr);
  rmSync(archive);
  return 'the configuration comes out on its own, without keys';
}

/** Why a copy of the file is no backup. @param {import('./places.js').Place} place */
async function plainCopy(place) {
  const { room, scripts, running } = place;
  await register(running.deployment, firstOf(place), { name: 'orders', uid: orders });
  const copy = join(room.folder, 'copy.sqlite3');
  copyFileSync(join(firstOf(place).place.data, 'datastore.sqlite3'), copy);
  const { stdout } = await room.programs.run('sqlite3', join(scripts.bin, 'sqlite3'), [copy, 'SELECT count(*) FROM registered_entries']);
  assert.notEqual(stdout.trim(), '1', 'the file alone has the entry: the README says otherwise');
  const archive = await scripts.backUp([...serverWords(place), '--unencrypted']);
  assert.match(entriesOf(readFileSync(archive))[0]?.data.toString() ?? '', /^entries 1$/m);
  rmSync(archive);
  return 'an entry that was just made is in the archive, and not in a plain copy of the file';
}

/** The options in README.md are those of the scripts. @param {import('./places.js').Place} place */
async function documented({ scripts }) {
  const text = readFileSync(join(checkout, 'deploy', 'backup', 'README.md'), 'utf8');
  const service = readFileSync(join(checkout, 'deploy', 'backup', 'spire-backup.service'), 'utf8');
  let count = 0;
  for (const script of /** @type {const} */ (['backup.sh', 'restore.sh', 'verify.sh'])) {
    const { stdout } = await scripts.run(script, ['--help']);
    for (const [line] of `${text}\n${service}`.matchAll(new RegExp(`(?<=${script}\\s)[^\\n\`]*(--[a-z0-9-]+)[^\\n\`]*`, 'g'))) {
      for (const [option] of line.matchAll(/--[a-z0-9-]+/g)) {
        assert.ok(stdout.includes(option), `${script} has no ${option}, which README.md names`);
        count += 1;
      }
    }
  }
  assert.ok(count >= 12, `only ${count} options were found in README.md`);
  return `${count} options in README.md are there`;
}
