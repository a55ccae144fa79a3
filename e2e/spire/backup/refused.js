// What restore.sh must refuse: archives that are cut off, damaged, forged, of others; targets that run or are not empty. Whatever it refuses, every file
// of the target and all of its database are afterwards what they were.
import { strict as assert } from 'node:assert';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { register } from '../deployment/deployment.js';
import { fingerprint } from './fingerprint.js';
import { archiveOf, entriesOf, flipped, headerBytes, withFiles, withManifest } from './forge.js';
import { bundleOf, confOf, firstOf, inRoom, openPlace, serverWords, targetsOf } from './places.js';
import { asWhom, forWhom } from './scripts.js';

const orders = 22_201;
const [failed, config, refused] = [1, 3, 4];

/** @typedef {{ name: string, bytes: Buffer, says: RegExp, words?: readonly string[], code?: number }} Attempt */

/**
 * @param {{ variant: 'host' | 'host-ha', short: boolean, log: (line: string) => void }} options
 * @returns {Promise<readonly string[]>}
 */
export function refusals({ variant, short, log }) {
  return inRoom({ name: 'bk-no', log }, async (room) => {
    const other = await openPlace(room, { variant: 'host', domain: 'other.test', folder: 'o' });
    const foreign = await other.scripts.backUp([...serverWords(other), '--unencrypted']);
    const place = await openPlace(room, { variant });
    const { scripts, running } = place;
    await register(running.deployment, firstOf(place), { name: 'orders', uid: orders });
    const plain = await scripts.backUp([...serverWords(place), '--unencrypted']);
    const locked = await scripts.backUp([...serverWords(place), ...forWhom(scripts)]);
    const before = await bundleOf(firstOf(place));

    let count = 0;
    let untouched = '';
    /** @param {readonly string[]} words @param {number} code @param {RegExp} says @param {NodeJS.ProcessEnv} [env] */
    const mustRefuse = async (words, code, says, env) => {
      await scripts.mustRefuse(words, code, says, env);
      count += 1;
      assert.equal(await fingerprint(running, targetsOf(place)), untouched, `${words.join(' ')} touched something`);
    };
    const all = serverWords(place);
    const good = ['--archive', plain, ...all];

    await mustRefuseRunning(place, good);
    for (const { daemon } of running.servers) await daemon.stop();
    untouched = await fingerprint(running, targetsOf(place));
    await mustRefuse(good, refused, /is there already|is not empty/);
    for (const only of ['keys', 'database']) await mustRefuse([...good, '--only', only], refused, /is there already|is not empty/);

    // In the short form PostgreSQL gets those that reach its programs, and some of the others, which end before them.
    const tried = attempts(place, { plain, locked, foreign, short }).filter(
      ({ name }, index) => !short || variant === 'host' || index % 5 === 0 || name.includes('database'),
    );
    for (const { name, bytes, words = [], code = refused, says } of tried) {
      const path = join(room.folder, 'forged');
      writeFileSync(path, bytes, { mode: 0o600 });
      await mustRefuse(['--archive', path, ...all, '--force', ...words], code, says).catch((error) => {
        throw new Error(`${name}: ${error instanceof Error ? error.message : error}`);
      });
    }

    // The target: another trust domain, name, kind of keys; a server that is older than the one that made the backup.
    const [name = ''] = running.servers.map((server) => server.name);
    const conf = confOf(running.deployment, name);
    /** @param {string | RegExp} from @param {string} to */
    const changed = (from, to) => {
      const path = join(room.folder, 'changed.conf');
      const text = readFileSync(conf, 'utf8');
      assert.notEqual(text.replace(from, to), text);
      writeFileSync(path, text.replace(from, to), { mode: 0o600 });
      return ['--archive', plain, '--server', `${name}=${path}`, '--force'];
    };
    await mustRefuse(changed('"example.org"', '"example.com"'), refused, /of the trust domain example\.org, and .* is of example\.com/);
    await mustRefuse(changed(/KeyManager "disk"/, 'KeyManager "aws_kms"'), refused, /keys of .* are in 'disk'/);
    await mustRefuse(changed(/KeyManager "disk"/, 'KeyManager "memory"'), config, /keeps its keys in memory/);
    await mustRefuse(['--archive', plain, '--server', `nobody=${conf}`, '--force'], refused, /has no server nobody/);
    await mustRefuse(['--archive', plain, ...all, '--force', '--trust-domain', 'example.com'], refused, /not of example\.com/);
    await mustRefuse(['--archive', plain, ...all, '--force', '--sha256', '0'.repeat(64)], refused, /does not have the SHA-256/);
    await mustRefuse(['--archive', `${plain}.gone`, ...all, '--force'], config, /cannot be read/);
    const older = join(room.folder, 'older-spire-server');
    writeFileSync(older, '#!/bin/sh\n[ "$1" = --version ] && echo 1.14.9\n');
    chmodSync(older, 0o755);
    await mustRefuse(['--archive', plain, ...all, '--force', '--spire-server', older], refused, /this server is the older 1\.14\.9/);
    if (running.database !== undefined) await mustRefuseDatabase(place, { changed, mustRefuse, good: [...good, '--force'] });

    // And the same command with nothing against it: it is not that everything is refused.
    const checked = await scripts.run('restore.sh', [...good, '--force', '--check']);
    assert.equal(checked.code, 0, checked.stderr);
    assert.equal(await fingerprint(running, targetsOf(place)), untouched, '--check touched something');
    const restored = await scripts.run('restore.sh', ['--archive', locked, ...asWhom(scripts), ...all, '--force']);
    assert.equal(restored.code, 0, restored.stderr);
    const kept = running.servers.flatMap((server) => readdirSync(server.place.data).filter((file) => file.includes('.before-')));
    assert.ok(kept.length >= running.servers.length, `what was replaced is not kept: ${kept.join(' ')}`);
    for (const { daemon } of running.servers) await daemon.start();
    assert.deepEqual(await bundleOf(firstOf(place)), before);
    assert.equal(JSON.parse(await firstOf(place).cli(['entry', 'count', '-output', 'json'])).count, 1);
    return [`${count} refused, and files and database are the same after each; then the good one restored with --force`];
  });
}

/**
 * A server that runs, also when it is only one of two.
 * @param {import('./places.js').Place} place
 * @param {readonly string[]} good
 */
async function mustRefuseRunning(place, good) {
  const { scripts, running } = place;
  const whole = await fingerprint(running, targetsOf(place));
  await scripts.mustRefuse([...good, '--force'], refused, /runs: something is behind/);
  assert.equal(await fingerprint(running, targetsOf(place)), whole, 'it touched something of a running server');
  const [first, second] = running.servers;
  if (first === undefined || second === undefined) return;
  await first.daemon.stop();
  const words = ['--archive', good[1] ?? '', ...serverWords(place, [first.name]), '--force'];
  await scripts.mustRefuse(words, refused, /other connections to the database are open: a server still runs/);
  assert.equal(await fingerprint(running, targetsOf(place)), whole, 'it touched something of a running server');
}

/**
 * @param {import('./places.js').Place} place
 * @param {{ changed: (from: string | RegExp, to: string) => string[], good: readonly string[],
 *   mustRefuse: (words: readonly string[], code: number, says: RegExp, env?: NodeJS.ProcessEnv) => Promise<void> }} options
 */
async function mustRefuseDatabase({ room, folder, running }, { changed, mustRefuse, good }) {
  const { database } = running;
  assert.ok(database !== undefined);
  await mustRefuse(changed('sslmode=verify-full', 'sslmode=require'), config, /does not verify the database \(sslmode=require\)/);
  await mustRefuse(changed('database_type = "postgres"', 'database_type = "mysql"'), config, /mysql/);
  await mustRefuse(changed(`host=${database.store.host}`, 'host=127.0.0.1'), failed, /does not answer: .*certificate/);
  await mustRefuse(good, failed, /does not answer: .*password/, { [database.store.variable]: 'wrong' });
  // What psql would take for a command of its own.
  const [forged, dump] = [join(room.folder, 'forged'), join(folder, 'postgres', 'forged.dump')];
  await database.postgres.ask("COMMENT ON TABLE bundles IS '\\! true'");
  await database.postgres.run('pg_dump', ['-d', database.store.database, '--format=custom', `--file=${dump}`]);
  await database.postgres.ask('COMMENT ON TABLE bundles IS NULL');
  const entries = withFiles(entriesOf(readFileSync(good[1] ?? '')), ({ name, data }) =>
    name === 'database.dump' ? readFileSync(dump) : data,
  );
  writeFileSync(forged, archiveOf(entries), { mode: 0o600 });
  await mustRefuse(['--archive', forged, ...good.slice(2)], refused, /statements that SPIRE never makes/);

  // A database that refuses an index when all rows are in already: the transaction ends in the middle, and nothing of it stays.
  await database.postgres.ask(
    "CREATE FUNCTION no_index() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$no index today$$; END'",
  );
  await database.postgres.ask(
    "CREATE EVENT TRIGGER no_index ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION no_index()",
  );
  await mustRefuse(good, failed, /cannot be restored: .*no index today/);
  await database.postgres.ask('DROP EVENT TRIGGER no_index');
  await database.postgres.ask('DROP FUNCTION no_index');
}

/**
 * @param {import('./places.js').Place} place
 * @param {{ plain: string, locked: string, foreign: string, short: boolean }} archives
 * @returns {Attempt[]}
 */
function attempts({ scripts, running }, { plain, locked, foreign, short }) {
  const whole = readFileSync(plain);
  const entries = entriesOf(whole);
  const size = whole.length;
  const [server = ''] = running.servers.map(({ name }) => name);
  const keys = `servers/${server}/keys.json`;
  const database = running.database === undefined ? 'database.sqlite3' : 'database.dump';
  const theirs = entriesOf(readFileSync(foreign));
  /** @param {string} name */
  const ofTheirs = (name) => theirs.find((entry) => entry.name === name)?.data ?? Buffer.alloc(0);
  const evil = Buffer.from('evil');
  /** @param {import('./forge.js').Entry[]} more */
  const plus = (...more) => archiveOf([...entries, ...more]);
  /** @param {(manifest: string) => string} change */
  const says = (change) => archiveOf(withManifest(entries, change));
  const line = (/** @type {RegExp} */ pattern, /** @type {string} */ to) => (/** @type {string} */ text) => {
    assert.match(text, pattern);
    return text.replace(pattern, to);
  };
  const damaged = /is no backup|first line is damaged|damaged or cut off|has the format/;
  const everyByte = [...Array(headerBytes).keys()].filter((at) => !short || at % 13 === 0 || at === headerBytes - 1);
  const encrypted = readFileSync(locked);
  const identity = asWhom(scripts);
  return [
    ...[0, 1, headerBytes - 1, headerBytes, headerBytes + 1, headerBytes + 512, Math.floor(size / 2), size - 512, size - 1].map((at) => ({
      name: `cut off at ${at} of ${size}`,
      bytes: whole.subarray(0, at),
      says: damaged,
    })),
    ...[...everyByte, headerBytes, headerBytes + 100, headerBytes + 148, Math.floor(size / 3), Math.floor(size / 2), size - 1].map(
      (at) => ({
        name: `byte ${at} of ${size} flipped`,
        bytes: flipped(whole, at),
        says: damaged,
      }),
    ),
    { name: 'something behind it', bytes: Buffer.concat([whole, evil]), says: damaged },
    { name: 'something else', bytes: Buffer.from('hello\n'), says: /is no backup of SPIRE/ },
    { name: 'an older format', bytes: archiveOf(entries, { format: '0' }), says: /has the format '0', and only 1 is known/ },
    { name: 'a newer format', bytes: archiveOf(entries, { format: '2' }), says: /has the format '2', and only 1 is known/ },
    { name: 'nothing in it', bytes: archiveOf([]), says: /is empty|no manifest/ },

    {
      name: 'the manifest edited, its first line as it was',
      bytes: Buffer.from(whole.toString('latin1').replace('entries 1', 'entries 2'), 'latin1'),
      says: damaged,
    },
    {
      name: 'another trust domain in the manifest',
      bytes: says(line(/^trust_domain .*$/m, 'trust_domain other.test')),
      says: /of another trust domain than its manifest/,
    },
    {
      name: 'another count in the manifest',
      bytes: says(line(/^entries 1$/m, 'entries 2')),
      says: /its database has entries '1', and its manifest says '2'/,
    },
    {
      name: 'another sum in the manifest',
      bytes: says(line(/^sha256 [0-9a-f]{8}/m, 'sha256 00000000')),
      says: /is not what its manifest says/,
    },
    {
      name: 'another size in the manifest',
      bytes: says(line(/^(sha256 [0-9a-f]{64}) \d+/m, '$1 1')),
      says: /is not what its manifest says/,
    },
    {
      name: 'another kind of database in the manifest',
      bytes: says((text) => text.replace(/^database (\S+)/m, (_, kind) => `database ${kind === 'sqlite3' ? 'postgres' : 'sqlite3'}`)),
      says: /it has no database\./,
    },
    { name: 'another format in the manifest', bytes: says(line(/^format 1$/m, 'format 0')), says: /has the format '0'/ },
    { name: 'a server more in the manifest', bytes: says((text) => `${text}server ghost disk\n`), says: /has no server\.conf of ghost/ },
    { name: 'a word more in the manifest', bytes: says((text) => `${text}run rm\n`), says: /says nothing that is known/ },
    { name: 'a word twice in the manifest', bytes: says((text) => `${text}entries 1\n`), says: /does not say entries once/ },
    {
      name: 'a path that leads elsewhere in the manifest',
      bytes: says((text) => `${text}sha256 ${'0'.repeat(64)} 1 ../evil\n`),
      says: /says nothing that is known/,
    },
    {
      name: 'a sum left out of the manifest',
      bytes: says(line(/^sha256 .* bundle\.pem\n/m, '')),
      says: /files are not those that its manifest names: bundle\.pem/,
    },

    { name: 'a file above it', bytes: plus({ name: '../evil', data: evil }), says: /name that leads elsewhere/ },
    { name: 'a file above it, from inside', bytes: plus({ name: 'servers/../../evil', data: evil }), says: /name that leads elsewhere/ },
    { name: 'a file at an absolute place', bytes: plus({ name: '/tmp/ephemos-evil', data: evil }), says: /name that leads elsewhere/ },
    { name: 'a name in two lines', bytes: plus({ name: 'a\nb', data: evil }), says: /name that leads elsewhere|not plain/ },
    {
      name: 'a symbolic link',
      bytes: plus({ name: 'link', data: Buffer.alloc(0), type: '2', target: '/etc/passwd' }),
      says: /no plain file/,
    },
    {
      name: 'a file through a symbolic link',
      bytes: archiveOf([{ name: 'servers', data: Buffer.alloc(0), type: '2', target: '/tmp' }, ...entries]),
      says: /no plain file/,
    },
    { name: 'a hard link', bytes: plus({ name: 'link', data: Buffer.alloc(0), type: '1', target: 'bundle.pem' }), says: /no plain file/ },
    { name: 'a folder', bytes: plus({ name: 'folder/', data: Buffer.alloc(0), type: '5' }), says: /no plain file/ },
    { name: 'a device', bytes: plus({ name: 'device', data: Buffer.alloc(0), type: '3' }), says: /no plain file/ },
    {
      name: 'a file that nobody names',
      bytes: plus({ name: 'evil', data: evil }),
      says: /files are not those that its manifest names: evil/,
    },
    { name: 'a file twice', bytes: plus({ name: keys, data: evil }), says: /an entry twice/ },

    {
      name: 'without keys',
      bytes: archiveOf(withFiles(entries, ({ name, data }) => (name === keys ? undefined : data))),
      says: /has no keys of/,
    },
    {
      name: 'keys without an authority',
      bytes: archiveOf(withFiles(entries, ({ name, data }) => (name === keys ? Buffer.from('{"keys":{}}\n') : data))),
      says: /hold no authority/,
    },
    {
      name: 'without a database',
      bytes: archiveOf(withFiles(entries, ({ name, data }) => (name === database ? undefined : data))),
      says: /has no database\./,
    },
    {
      name: 'half a database',
      bytes: archiveOf(withFiles(entries, ({ name, data }) => (name === database ? data.subarray(0, data.length / 2) : data))),
      says: /database is damaged|database cannot be read|database has/,
    },
    {
      name: 'the database of another trust domain',
      bytes: archiveOf(withFiles(entries, ({ name, data }) => (name === database ? ofTheirs('database.sqlite3') : data))),
      says: /its database (has the trust domain ''|cannot be read)/,
    },
    {
      name: 'the backup of another trust domain',
      bytes: readFileSync(foreign),
      says: /of the trust domain other\.test, and .* is of example\.org/,
    },
    { name: 'an identity for what is not encrypted', bytes: whole, words: ['--identity', '/dev/null'], says: /is not encrypted, although/ },
    ...[30, 200, 400, Math.floor(encrypted.length / 2), encrypted.length - 16, encrypted.length - 1].map((at) => ({
      name: `encrypted, cut off at ${at}`,
      bytes: encrypted.subarray(0, at),
      words: identity,
      says: /cannot be decrypted|is no backup/,
    })),
    ...[0, 25, 60, 150, 300, Math.floor(encrypted.length / 2), encrypted.length - 1].map((at) => ({
      name: `encrypted, byte ${at} flipped`,
      bytes: flipped(encrypted, at),
      words: identity,
      says: /cannot be decrypted|is no backup/,
    })),
    {
      name: 'another identity',
      bytes: encrypted,
      words: ['--identity', scripts.age.other],
      says: /cannot be decrypted with this identity/,
    },
    { name: 'no identity', bytes: encrypted, code: config, says: /is encrypted/ },
  ];
}
