// What is asked of the stack, case by case.
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse, stringify } from 'yaml';
import { openStack } from '../../stack/open-stack.js';
import { checkout, SetupError } from '../room.js';
import { findCompose } from './compose-program.js';

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} rule
 * @property {(room: import('../room.js').SpireRoom) => Promise<string>} run returns what was measured
 */

const ephemos = join(checkout, 'packages/cli/dist/main.js');
const stack = join(checkout, 'e2e/stack/run.js');
const upWithin = 120_000;
const ignore = () => undefined;

/** @param {import('../room.js').SpireRoom} room @param {string} folder */
async function init(room, folder) {
  const args = [ephemos, 'deploy', 'init', '--target', 'compose', '--out', folder, '--format', 'json'];
  const { code, stdout, stderr } = await room.programs.run('deploy-init', process.execPath, args);
  assert.equal(code, 0, `ephemos deploy init ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Every file below a folder. @param {string} folder @returns {readonly string[]} */
const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );

/** What would tell that something was written. @param {string} folder */
const printOf = (folder) =>
  Object.fromEntries(
    filesBelow(folder).map((path) => {
      const { ino, mtimeMs, mode } = lstatSync(path);
      return [relative(folder, path), { ino, mtimeMs, mode, text: readFileSync(path, 'utf8') }];
    }),
  );

/** @param {import('../room.js').SpireRoom} room @param {string} name @param {readonly string[]} words @param {object} [options] */
async function once(room, name, words, options = {}) {
  const { code, stdout, stderr } = await room.programs.run(name, room.reach.node, [room.reach.file(stack), '--once', ...words], {
    timeout: upWithin,
    ...options,
  });
  assert.equal(code, 0, `npm run stack ended with ${code}: ${stderr.trim().split('\n').at(-1)}`);
  for (const shown of [
    /✓ echo over gRPC: hello {2}\(the server knows us as spiffe:\/\/echo\.internal\/echo-client\)/,
    /✓ echo over HTTP: hello {2}\(the server knows us as spiffe:\/\/echo\.internal\/echo-client\)/,
    /✓ stranger refused: spiffe:\/\/echo\.internal\/stranger, no_rule_for_peer/,
    /✓ no identity for others: /,
  ])
    assert.match(stdout, shown);
  assertNothingLeft(stdout);
  const seconds = [...stdout.matchAll(/(\d+\.\d) s$/gm)].reduce((sum, [, text]) => sum + Number(text), 0);
  return {
    stdout,
    told: `echo over gRPC and HTTP, stranger refused, nobody gets nothing; ${seconds.toFixed(0)} s from nothing to nothing`,
  };
}

/** @param {string} stdout of a stack that has ended */
function assertNothingLeft(stdout) {
  const folder = /^ {2}logs +(\S+)\/logs$/m.exec(stdout)?.[1] ?? '';
  assert.notEqual(folder, '', 'the stack does not say where its logs are');
  assert.equal(existsSync(folder), false, `${folder} is left behind`);
}

/** @type {readonly Case[]} */
export const cases = [
  {
    name: 'compose',
    rule: 'compose takes compose.yaml, refuses it with a key that it does not know, and says what to do where there are no keys',
    run: async ({ folder, log }) => {
      const all = findCompose(log);
      if (all.length === 0) throw new SetupError('no docker compose here: install docker-compose (apt-get, brew)');
      const text = readFileSync(join(checkout, 'deploy/compose/compose.yaml'), 'utf8');
      const wrong = parse(text, { merge: true });
      wrong.services['echo-server'].depend_on = {};
      const cwd = join(folder, 'compose');
      mkdirSync(cwd);
      writeFileSync(join(cwd, 'compose.yaml'), text);
      writeFileSync(join(cwd, 'wrong.yaml'), stringify(wrong));
      const env = { SPIRE_UID: '20000', SPIRE_GID: '20000' };
      for (const { about, run } of all) {
        const taken = run(['-f', 'compose.yaml', 'config', '-q'], { cwd, env });
        assert.equal(taken.code, 0, `${about} refuses compose.yaml: ${taken.said}`);
        assert.equal(taken.said, '');
        const refused = run(['-f', 'wrong.yaml', 'config', '-q'], { cwd, env });
        assert.notEqual(refused.code, 0, `${about} takes a key that does not exist`);
        const bare = run(['-f', 'compose.yaml', 'config', '-q'], { cwd });
        assert.match(bare.said, /run ephemos deploy init/);
        assert.notEqual(bare.code, 0);
      }
      return all.map(({ about }) => about).join(', ');
    },
  },
  {
    name: 'init',
    rule: 'no secret is outside of private/, everything in it is for its owner alone, and a second run writes nothing',
    run: async (room) => {
      const folder = join(room.folder, 'init');
      const first = await init(room, folder);
      const before = printOf(folder);
      const second = await init(room, folder);
      assert.deepEqual(printOf(folder), before);
      assert.deepEqual([...new Set(second.files.map((/** @type {{ state: string }} */ { state }) => state))], ['same']);
      assert.deepEqual(
        second.keys.map((/** @type {{ state: string }} */ { state }) => state),
        ['kept', 'kept'],
      );
      const secrets = filesBelow(folder).filter((path) => readFileSync(path, 'utf8').includes('PRIVATE KEY'));
      assert.deepEqual(secrets.map((path) => relative(folder, path)).sort(), ['private/node/node.key', 'private/upstream/ca.key']);
      const below = readdirSync(join(folder, 'private'), { recursive: true, withFileTypes: true }).map((entry) =>
        join(entry.parentPath, entry.name),
      );
      for (const path of [join(folder, 'private'), ...below]) {
        const stat = lstatSync(path);
        assert.equal(stat.mode & 0o777, stat.isDirectory() ? 0o700 : 0o600, relative(folder, path));
        assert.equal(stat.uid, 20_000, 'root gives the keys to the user that SPIRE is');
      }
      const checked = await room.programs.run('deploy-check', process.execPath, [ephemos, 'deploy', 'check', join(folder, 'spire')]);
      assert.equal(checked.code, 0, checked.stdout);
      return `${first.files.length} files and ${secrets.length} keys; the second run wrote nothing; SPIRE reads every key of its configurations`;
    },
  },
  {
    name: 'host',
    rule: 'the stack comes up from nothing, the client is answered, strangers are refused, and nothing is left behind',
    run: async (room) => (await once(room, 'stack', [])).told,
  },
  {
    name: 'user',
    rule: 'the same without root, as a user who may do nothing else',
    run: async (room) => {
      const home = join(room.folder, 'home');
      mkdirSync(join(home, 'spire'), { recursive: true });
      const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' })));
      if (uid === undefined || gid === undefined) throw new Error('there is no user nobody');
      chownSync(home, uid, gid);
      const bin = join(room.folder, 'spire-bin');
      mkdirSync(bin);
      for (const name of /** @type {const} */ (['server', 'agent']))
        linkSync(room.reach.file(room.spire[name]), join(bin, `spire-${name}`));
      const { stdout, told } = await once(room, 'stack-user', [], { uid, gid, env: { ...process.env, HOME: home, SPIRE_BIN_DIR: bin } });
      assert.match(stdout, /Without root all of it runs as you/);
      return told;
    },
  },
  {
    name: 'ha',
    rule: 'the highly available stack too, with one of its servers away for a while',
    run: async (room) => {
      const { stdout, told } = await once(room, 'stack-ha', ['--ha']);
      assert.match(stdout, /✓ while spire-1 was away: spiffe:\/\/echo\.internal\/latecomer was registered, and has its identity/);
      return `${told}; a workload was registered while a server was away`;
    },
  },
  {
    name: 'stop',
    rule: 'it stays up until Ctrl-C and then ends with 0; entries.yaml is what entries.json made',
    run: async (room) => {
      const running = room.programs.start('stack-stop', process.execPath, [stack]);
      await running.line((line) => line.includes('It stays up until Ctrl-C'), { timeout: upWithin, what: 'summary' });
      const [, socket = ''] = /--server (unix:\S+)/.exec(running.stdout()) ?? [];
      const [, project = ''] = /^ {2}project +(\S+),/m.exec(running.stdout()) ?? [];
      const args = [ephemos, 'entries', 'diff', '-f', join(project, 'entries.yaml'), '--server', socket];
      const { code, stdout } = await room.programs.run('entries-diff', process.execPath, args);
      assert.equal(code, 0, `entries.yaml and entries.json differ: ${stdout}`);
      const [, script = ''] = /sh (\S+) "hello again"/.exec(running.stdout()) ?? [];
      const again = await room.programs.run('again', 'sh', [script, 'hello again']);
      assert.equal(again.stdout, 'hello again  (the server knows us as spiffe://echo.internal/echo-client)\n', again.stderr);
      const exit = await running.stop({ signal: 'SIGINT', grace: 30_000 });
      assert.deepEqual(exit, { code: 0, signal: null });
      assertNothingLeft(running.stdout());
      return 'called with the printed command, entries the same, SIGINT, exit 0, nothing left behind';
    },
  },
  {
    name: 'renew',
    rule: 'the certificate of the machine is made anew by removing it, and the agent that joins with it has the same ID and entries',
    run: async (room) => {
      /** @type {import('../../stack/screen.js').Screen} */
      const quiet = { title: ignore, line: ignore, table: ignore, close: ignore, step: (_text, body) => body(ignore) };
      const up = await openStack({ room, ha: false, knownPorts: false, screen: quiet });
      const { project, restart } = up;
      if (restart === undefined) throw new Error('the stack cannot be restarted');
      const before = readFileSync(project.file('private/node/node.crt'), 'utf8');
      await restart(async () => {
        // Without its own keys the agent has to show its certificate again.
        for (const name of ['private/nodes', 'private/node', 'private/state/agent']) rmSync(project.file(name), { recursive: true });
        const { keys } = await init(room, project.folder);
        assert.deepEqual(
          keys.map((/** @type {{ state: string }} */ { state }) => state),
          ['kept', 'new'],
        );
      });
      assert.notEqual(readFileSync(project.file('private/node/node.crt'), 'utf8'), before);
      const { code, stdout, stderr } = await up.call({ as: 'echo-client', protocol: 'grpc', message: 'renewed' });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^renewed /);
      const agents = await room.programs.run('agents', process.execPath, [
        ephemos,
        'agents',
        'list',
        '--server',
        `unix://${up.serverSocket}`,
        '--format',
        'json',
      ]);
      const found = JSON.parse(agents.stdout).agents.map((/** @type {{ spiffeId: string }} */ { spiffeId }) => spiffeId);
      assert.deepEqual(found, ['spiffe://echo.internal/spire/agent/x509pop/machine-1']);
      return 'a new certificate, attested as the same agent; the client was answered';
    },
  },
];
