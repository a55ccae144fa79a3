// The scripts in deploy/backup, run as an administrator runs them: with the tools that they say they need and no others on PATH, and the password of
// the database in the environment. What the database tools are called with is written down.
import { strict as assert } from 'node:assert';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { librariesOf, takeOut } from '../../../scripts/lib/debian.js';
import { foldersOnPath, isExecutable } from '../../../scripts/lib/programs.js';
import { checkout, SetupError } from '../room.js';

/** All that the scripts call, but age, GnuPG and the clients of PostgreSQL. */
const tools = [
  ...['awk', 'basename', 'cat', 'chown', 'cmp', 'comm', 'cp', 'cut', 'date', 'dd', 'dirname', 'find', 'grep', 'head', 'id', 'ls', 'mkdir'],
  ...['mktemp', 'mv', 'printenv', 'rm', 'sed', 'sh', 'sha256sum', 'sleep', 'sort', 'sqlite3', 'sync', 'tail', 'tar', 'tr', 'uniq', 'wc'],
];
const clients = ['pg_dump', 'pg_restore', 'psql'];
/** Where sha256sum is not (macOS). */
const optional = { sha256sum: 'shasum' };

/** @typedef {import('../process.js').Exit & { stdout: string, stderr: string, ms: number }} Ended */

/**
 * @typedef {object} Scripts
 * @property {string} vault the folder that archives go to
 * @property {string} bin the folder that PATH names
 * @property {(script: 'backup.sh' | 'restore.sh' | 'verify.sh', words: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Ended>} run
 * @property {(script: 'backup.sh' | 'restore.sh' | 'verify.sh', words: readonly string[], env?: NodeJS.ProcessEnv) => import('../process.js').Program} start
 * @property {(words: readonly string[], env?: NodeJS.ProcessEnv) => Promise<string>} backUp takes a backup into the vault, and returns its path
 * @property {(words: readonly string[], code: number, says: RegExp, env?: NodeJS.ProcessEnv) => Promise<Ended>} mustRefuse restore.sh, with one line
 * @property {() => string} called every line with which a client of PostgreSQL was called
 * @property {Age} age
 */

/**
 * @typedef {object} Age
 * @property {string} recipient
 * @property {string} identity the file
 * @property {string} other the file of an identity that nothing is encrypted for
 */

/**
 * @param {import('../room.js').SpireRoom} room
 * @param {import('../deployment/open-deployment.js').RunningDeployment} running
 * @returns {Promise<Scripts>}
 */
export async function openScripts(room, { database }) {
  const folders = { vault: join(room.folder, 'vault'), bin: join(room.folder, 'bin'), temporary: join(room.folder, 'tmp') };
  for (const folder of Object.values(folders)) if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  const { bin } = folders;
  const log = join(room.folder, 'called');
  writeFileSync(log, '');
  for (const tool of tools) linkTool(bin, tool);
  if (database !== undefined) {
    for (const client of clients) {
      const real = join(database.postgres.found.folder, client);
      writeFileSync(join(bin, client), `#!/bin/sh\nprintf '%s\\n' "${client} $*" >>'${log}'\nexec '${real}' "$@"\n`, { mode: 0o755 });
    }
  }
  /** @type {NodeJS.ProcessEnv} */
  const environment = {
    PATH: bin,
    HOME: room.folder,
    TMPDIR: folders.temporary,
    ...(database === undefined ? {} : { LD_LIBRARY_PATH: database.postgres.found.env['LD_LIBRARY_PATH'] }),
    ...(database === undefined ? {} : { [database.store.variable]: database.password }),
  };
  const age = await openAge(room, bin, environment);
  let runs = 0;
  /** @param {string} script @param {readonly string[]} words */
  const command = (script, words) => {
    runs += 1;
    const spire = script === 'verify.sh' || words.includes('--spire-server') ? [] : ['--spire-server', room.spire.server];
    return /** @type {const} */ ([`${script}-${runs}`, '/bin/sh', [join(checkout, 'deploy', 'backup', script), ...words, ...spire]]);
  };
  /** @type {Scripts['run']} */
  const run = async (script, words, env = {}) => {
    const ended = await room.programs.run(...command(script, words), { env: { ...environment, ...env }, cwd: room.folder });
    assert.equal(readdirSync(folders.temporary).length, 0, `${script} left something in its temporary folder`);
    assert.doesNotMatch(ended.stderr, /: not found|unbound|syntax|Bad substitution/i, `${script} is not sound: ${ended.stderr}`);
    return ended;
  };
  return {
    vault: folders.vault,
    bin,
    run,
    start: (script, words, env = {}) =>
      room.programs.start(...command(script, words), { env: { ...environment, ...env }, cwd: room.folder }),
    backUp: async (words, env) => {
      const { code, stdout, stderr } = await run('backup.sh', ['--out', folders.vault, ...words], env);
      assert.equal(code, 0, `backup.sh ended with ${code}: ${stderr}`);
      const path = /^archive +(\S+) /m.exec(stdout)?.[1];
      if (path === undefined) throw new Error(`backup.sh names no archive: ${stdout}`);
      return path;
    },
    mustRefuse: async (words, code, says, env) => {
      const ended = await run('restore.sh', words, env);
      const shown = `exit ${ended.signal ?? ended.code}, ${JSON.stringify(ended.stderr)}`;
      assert.equal(ended.code, code, `${words.slice(0, 2).join(' ')}: ${shown}`);
      assert.equal(ended.stderr.split('\n').filter((line) => line.startsWith('error: ')).length, 1, `not one clear line: ${shown}`);
      assert.match(ended.stderr, says, shown);
      assert.doesNotMatch(ended.stderr, /^(?!error: |hint: |$)/m, `more than error and hint: ${shown}`);
      return ended;
    },
    called: () => readFileSync(log, 'utf8'),
    age,
  };
}

/** @param {string} name @param {readonly string[]} [folders] */
const find = (name, folders = foldersOnPath()) => folders.map((folder) => join(folder, name)).find(isExecutable);

/** @param {string} bin @param {string} tool */
function linkTool(bin, tool) {
  const names = [tool, ...(tool in optional ? [optional.sha256sum] : [])];
  const [name, found] = names.map((each) => /** @type {const} */ ([each, find(each)])).find(([, path]) => path !== undefined) ?? [];
  if (name === undefined || found === undefined) throw new SetupError(`no ${tool} here: install it (apt-get, brew)`);
  if (!existsSync(join(bin, name))) symlinkSync(found, join(bin, name));
}

/**
 * age of this machine, or Debian's, with a key and another one.
 * @param {import('../room.js').SpireRoom} room
 * @param {string} bin
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Age>}
 */
async function openAge(room, bin, env) {
  const taken = find('age') === undefined ? takeOut('age', room.log) : undefined;
  const folders = taken === undefined ? foldersOnPath() : [join(taken, 'usr/bin')];
  const [age, keygen] = [find('age', folders), find('age-keygen', folders)];
  if (age === undefined || keygen === undefined) throw new SetupError('no age here: install it (apt-get, brew)');
  const libraries = taken === undefined ? {} : librariesOf(taken);
  writeFileSync(join(bin, 'age'), `#!/bin/sh\nexec '${age}' "$@"\n`);
  chmodSync(join(bin, 'age'), 0o755);
  /** @param {string} name */
  const key = async (name) => {
    const file = join(room.folder, name);
    if (existsSync(file)) return file;
    const { code, stderr } = await room.programs.run('age-keygen', keygen, ['-o', file], { env: { ...env, ...libraries } });
    assert.equal(code, 0, stderr);
    return file;
  };
  const [identity, other] = [await key('identity.txt'), await key('other.txt')];
  const recipient = /public key: (age1\S+)/.exec(readFileSync(identity, 'utf8'))?.[1] ?? '';
  return { recipient, identity, other };
}

/** The words that say who may read a backup, and who reads it. @param {Scripts} scripts */
export const forWhom = ({ age }) => ['--recipient', age.recipient];
/** @param {Scripts} scripts */
export const asWhom = ({ age }) => ['--identity', age.identity];
