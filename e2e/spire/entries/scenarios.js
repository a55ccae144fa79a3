// What must hold for registration by file, one scenario after the other. Each has owners and SPIFFE IDs of its own, and returns what it measured.
import { strict as assert } from 'node:assert';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { installSpire } from '../install.js';
import { until } from '../observe.js';
import { freePort } from '../spire.js';
import { assertEnded, item } from './command.js';

const node = 'spiffe://example.org/node';
const ms = (/** @type {number} */ value) => (value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`);
const id = (/** @type {string} */ name) => `spiffe://example.org/${name}`;
/** Unix users: the admin, somebody with an identity, somebody without, and the workload. */
const uids = { admin: 20_101, other: 20_102, nobody: 20_103, workload: 20_104 };
const propagation = 10_000;

/** @typedef {import('./run.js').Scenario} Scenario */
/** @typedef {import('./command.js').Command} Command */

/**
 * What SPIRE has of the one entry for a SPIFFE ID.
 * @param {Command} command
 * @param {string} spiffeId
 */
async function only(command, spiffeId) {
  const [entry, ...more] = await command.shown(spiffeId);
  assert.ok(entry !== undefined && more.length === 0, `${spiffeId} has ${more.length + (entry === undefined ? 0 : 1)} entries`);
  return entry;
}

/** @type {readonly Scenario[]} */
export const scenarios = [
  {
    name: 'apply',
    rule: 'a dry run changes nothing and ends with 5; applied, SPIRE has every field; a second time nothing is done',
    run: async ({ command }) => {
      const spiffeId = id('apply/web');
      const file = command.file('apply', [
        item(spiffeId, node, [
          'selectors: [unix:uid:1, "docker:label:a:b c"]',
          'x509_svid_ttl: 30m',
          'jwt_svid_ttl: 90s',
          'dns_names: [web.example.org, "*.web.example.net"]',
          'admin: true',
          'hint: internal',
          'expires_at: 2035-01-01T00:00:00Z',
        ]),
        item(id('apply/db'), node, ['selectors: [unix:uid:2]']),
      ]);
      const before = await command.count();
      assertEnded(await command.run(['entries', 'apply', '-f', file, '--dry-run']), 5, /\nplan: 2 to create, 0 unchanged\n$/);
      assert.equal(await command.count(), before);
      const first = await command.run(['entries', 'apply', '-f', file]);
      assertEnded(first, 0, /\n2 created in /);
      const entry = await only(command, spiffeId);
      assert.match(entry.id, /^ephemos\.apply\.[0-9a-f]{32}$/);
      assert.deepEqual(
        { ...entry, selectors: entry.selectors.map(({ type, value }) => `${type}:${value}`).sort(), id: '', created_at: '' },
        {
          id: '',
          spiffe_id: { trust_domain: 'example.org', path: '/apply/web' },
          parent_id: { trust_domain: 'example.org', path: '/node' },
          selectors: ['docker:label:a:b c', 'unix:uid:1'],
          x509_svid_ttl: 1800,
          jwt_svid_ttl: 90,
          dns_names: ['web.example.org', '*.web.example.net'],
          federates_with: [],
          admin: true,
          downstream: false,
          store_svid: false,
          hint: 'internal',
          expires_at: '2051222400',
          revision_number: '0',
          created_at: '',
        },
      );
      const second = await command.run(['entries', 'apply', '-f', file]);
      assertEnded(second, 0, /^nothing to change: 2 unchanged\n$/);
      assertEnded(await command.run(['entries', 'diff', '-f', file, '--prune']), 0);
      assert.equal((await only(command, spiffeId)).revision_number, '0');
      return `applied in ${ms(first.ms)}, found unchanged in ${ms(second.ms)}, with the start of the command`;
    },
  },
  {
    name: 'change',
    rule: 'what differs is changed in place, and nothing else; what somebody changed by hand is put right',
    run: async ({ command }) => {
      const [web, db] = [id('change/web'), id('change/db')];
      /** @param {readonly string[]} lines */
      const file = (lines) => command.file('change', [item(web, node, lines), item(db, node, ['selectors: [unix:uid:3]'])]);
      assertEnded(await command.run(['entries', 'apply', '-f', file(['selectors: [unix:uid:1]', 'dns_names: [a.org, b.org]'])]), 0);
      const before = await only(command, web);
      const changed = file(['selectors: [unix:uid:1, unix:gid:1]', 'dns_names: [b.org, a.org]', 'x509_svid_ttl: 5m']);
      assertEnded(
        await command.run(['entries', 'apply', '-f', changed]),
        0,
        /^~ .*\n {4}selectors +\+unix:gid:1\n {4}x509_svid_ttl +not set -> 5m\n {4}dns_names +a\.org, b\.org -> b\.org, a\.org\nplan: 1 to change, 1 unchanged\n/,
      );
      const after = await only(command, web);
      assert.deepEqual([after.id, after.revision_number, after.dns_names, after.x509_svid_ttl], [before.id, '1', ['b.org', 'a.org'], 300]);
      assert.equal((await only(command, db)).revision_number, '0');
      const words = ['-spiffeID', web, '-parentID', node, '-selector', 'unix:uid:666', '-admin', '-hint', 'x'];
      await command.spire.cli(['entry', 'update', '-entryID', after.id, ...words]);
      assertEnded(await command.run(['entries', 'diff', '-f', changed]), 5, /admin +true -> not set/);
      assertEnded(await command.run(['entries', 'apply', '-f', changed]), 0, /\n1 changed in /);
      assert.deepEqual(
        [(await only(command, web)).admin, (await only(command, web)).hint, (await only(command, web)).selectors.length],
        [false, '', 2],
      );
      assertEnded(await command.run(['entries', 'apply', '-f', changed]), 0, /^nothing to change/);
      return 'three fields in one update, revision 1, the same entry ID';
    },
  },
  {
    name: 'prune',
    rule: 'what is not in the file is shown, and deleted with --prune alone; entries of other owners and of nobody stay',
    run: async ({ command }) => {
      const entries = ['a', 'b', 'c'].map((name) => item(id(`prune/${name}`), node, ['selectors: [unix:uid:1]']));
      assertEnded(await command.run(['entries', 'apply', '-f', command.file('prune', entries)]), 0);
      const others = command.file('prune-2', [item(id('prune/others'), node, ['selectors: [unix:uid:1]'])]);
      assertEnded(await command.run(['entries', 'apply', '-f', others]), 0);
      const handmade = await command.handmade(id('prune/handmade'), ['-parentID', node, '-selector', 'unix:uid:1']);
      const before = await command.count();
      const less = command.file('prune', entries.slice(1));
      assertEnded(await command.run(['entries', 'apply', '-f', less]), 0, /\/prune\/a {2}is not in the file: --prune deletes it/);
      assert.equal(await command.count(), before);
      assertEnded(await command.run(['entries', 'diff', '-f', less]), 0);
      assertEnded(await command.run(['entries', 'diff', '-f', less, '--prune']), 5, /plan: 1 to delete, 2 unchanged\n$/);
      assertEnded(await command.run(['entries', 'apply', '-f', less, '--prune']), 0, /\n1 deleted in /);
      assert.equal(await command.count(), before - 1);
      assertEnded(await command.run(['entries', 'apply', '-f', command.file('prune', []), '--prune']), 0, /\n2 deleted in /);
      assert.equal(await command.count(), before - 3);
      assert.equal((await only(command, id('prune/handmade'))).id, handmade);
      await only(command, id('prune/others'));
      return 'three of ours deleted, the other two untouched';
    },
  },
  {
    name: 'others',
    rule: 'an equal entry of others will do, a different one is a conflict; both are left alone and the rest is applied',
    run: async ({ command }) => {
      const [same, different] = [id('others/same'), id('others/different')];
      for (const spiffeId of [same, different]) await command.handmade(spiffeId, ['-parentID', node, '-selector', 'unix:uid:1']);
      const file = command.file('others', [
        item(same, node, ['selectors: [unix:uid:1]']),
        item(different, node, ['selectors: [unix:uid:1]', 'hint: x']),
        item(id('others/new'), node, ['selectors: [unix:uid:1]']),
      ]);
      assertEnded(
        await command.run(['entries', 'apply', '-f', file, '--dry-run']),
        5,
        /1 in conflict with entries of others, 1 that others have/,
      );
      assertEnded(await command.run(['entries', 'apply', '-f', file, '--prune']), 1, /\n1 created in /);
      assert.deepEqual([(await only(command, same)).revision_number, (await only(command, different)).hint], ['0', '']);
      assertEnded(await command.run(['entries', 'apply', '-f', file, '--prune']), 1, /^! .*nothing to change|1 in conflict/s);
      const refused = await command.run(['entries', 'delete', same, '--owner', 'others']);
      assertEnded(refused, 1, /belongs to others, not to others/);
      assertEnded(await command.run(['entries', 'delete', different, '--any-owner']), 0);
      assertEnded(await command.run(['entries', 'apply', '-f', file]), 0, /\n1 created in /);
      assert.equal((await only(command, different)).hint, 'x');
      return 'taken over only after somebody deleted it';
    },
  },
  {
    name: 'refused-entry',
    rule: 'an entry that the server refuses is named with the mend, the others go on, and the command ends with 1',
    run: async ({ command }) => {
      const file = command.file('refused', [
        item(id('refused/federated'), node, ['selectors: [unix:uid:1]', 'federates_with: [nowhere.example]']),
        item(id('refused/good'), node, ['selectors: [unix:uid:1]']),
      ]);
      const ended = await command.run(['entries', 'apply', '-f', file]);
      assertEnded(ended, 1, /failed \+ spiffe:\/\/example\.org\/refused\/federated .*\n.*unable to find federated bundle.*\n.*hint: /);
      assertEnded(ended, 1, /\n1 created, 1 failed in /);
      await only(command, id('refused/good'));
      const foreign = command.file('refused', [item('spiffe://other.org/x', 'spiffe://other.org/y', ['selectors: [unix:uid:1]'])]);
      assertEnded(
        await command.run(['entries', 'apply', '-f', foreign]),
        3,
        /:3:16: entries\[0\]\.spiffe_id: the server is of the trust domain example\.org/,
      );
      return 'one of two created; a foreign trust domain is a problem of the file';
    },
  },
  {
    name: 'names',
    rule: 'SPIRE takes what the file reader takes, and refuses none of it: names, hints and selectors at their bounds',
    run: async ({ command }) => {
      const file = command.file('a'.repeat(40), [
        item(id(`names/${'p'.repeat(100)}`), node, [
          `selectors: ["a:${'x'.repeat(200)}", "type.with-dots_and:v:a:l: u/e*?", "u:é☃"]`,
          `dns_names: [${'a'.repeat(63)}.b, A.Upper.Example, xn--bcher-kva.example, "*.c.d", 1.2.3.4.example]`,
          `hint: "${'é'.repeat(512)}"`,
          'x509_svid_ttl: 2147483647s',
        ]),
      ]);
      assertEnded(await command.run(['entries', 'apply', '-f', file]), 0, /\n1 created in /);
      assertEnded(await command.run(['entries', 'apply', '-f', file]), 0, /^nothing to change/);
      assertEnded(await command.run(['entries', 'apply', '-f', command.file('a'.repeat(40), []), '--prune']), 0);
      return 'an owner of 40 characters, a hint of 1,024 bytes, a DNS label of 63';
    },
  },
  {
    name: 'keys',
    rule: 'two entries for one SPIFFE ID and parent are told apart by keys; another key is no change; selectors may be swapped',
    run: async ({ command }) => {
      const spiffeId = id('keys/web');
      /** @param {readonly (readonly [string, string])[]} keyed */
      const file = (keyed) =>
        command.file(
          'keys',
          keyed.map(([key, selector]) => item(spiffeId, node, [`key: ${key}`, `selectors: [${selector}]`])),
        );
      const apply = (/** @type {string} */ path) => command.run(['entries', 'apply', '-f', path, '--prune']);
      assertEnded(
        await apply(
          file([
            ['a', 'unix:uid:1'],
            ['b', 'unix:uid:2'],
          ]),
        ),
        0,
        /\n2 created/,
      );
      assertEnded(
        await apply(
          file([
            ['c', 'unix:uid:1'],
            ['d', 'unix:uid:2'],
          ]),
        ),
        0,
        /^nothing to change: 2 unchanged/,
      );
      assertEnded(
        await apply(
          file([
            ['b', 'unix:uid:1'],
            ['a', 'unix:uid:2'],
          ]),
        ),
        0,
        /\n2 changed/,
      );
      assertEnded(
        await apply(
          file([
            ['b', 'unix:uid:3'],
            ['n', 'unix:uid:1'],
          ]),
        ),
        0,
        /\n1 created, 1 changed, 1 deleted/,
      );
      assert.deepEqual((await command.shown(spiffeId)).flatMap(({ selectors }) => selectors.map(({ value }) => value)).sort(), [
        'uid:1',
        'uid:3',
      ]);
      return 'created, renamed, swapped, moved';
    },
  },
  {
    name: 'export',
    rule: 'an exported file changes nothing when it is applied, to its owner and to everybody',
    run: async ({ command }) => {
      const file = command.file('export', [
        item(id('export/web'), node, ['selectors: [unix:uid:1, "docker:label:a: b"]', 'hint: "yes: #no"', 'x509_svid_ttl: 3661s']),
        item(id('export/web'), node, ['key: second', 'selectors: [unix:uid:2]', 'admin: true']),
      ]);
      assertEnded(await command.run(['entries', 'apply', '-f', file]), 0);
      for (const format of ['yaml', 'json']) {
        const own = await command.run(['entries', 'export', '--owner', 'export', '--format', format]);
        assertEnded(own, 0);
        const path = command.suite.write(`exported-${format}.yaml`, own.stdout);
        assertEnded(await command.run(['entries', 'apply', '-f', path, '--prune']), 0, /^nothing to change: 2 unchanged\n$/);
      }
      const all = await command.run(['entries', 'export', '--owner', 'export', '--all']);
      const ended = await command.run(['entries', 'apply', '-f', command.suite.write('exported-all.yaml', all.stdout), '--prune']);
      assertEnded(ended, 0, /nothing to change: .* that others have, 2 unchanged\n$/);
      return `${(all.stdout.match(/ {2}- /g) ?? []).length} lines of entries of everybody, none of them changed`;
    },
  },
  {
    name: 'way-to-the-server',
    rule: 'a server that is not there, may not be asked, is none or says nothing is told with its mend and its exit code',
    run: async ({ command }) => {
      const { spire, suite } = command;
      const silentPath = join(suite.folder, 'silent.sock');
      const silent = createServer(() => undefined).listen(silentPath);
      const stale = join(suite.folder, 'stale.sock');
      const script = `require('node:net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`;
      await suite.programs.run('stale', process.execPath, ['-e', script]);
      const list = (/** @type {string} */ server, /** @type {import('./command.js').RunOptions} */ options = {}) =>
        command.run(['entries', 'list', '--timeout', '2s'], { ...options, server });
      const closed = await freePort();
      try {
        assertEnded(await list('unix:///nowhere/api.sock'), 3, /^error: .*nothing is at \/nowhere\/api\.sock\nhint: start spire-server/);
        assertEnded(await list(`unix://${suite.folder}`), 3, /has no socket there: it is something else/);
        assertEnded(await list(`unix://${stale}`), 1, /nobody listens on its socket\nhint: spire-server has stopped/);
        assertEnded(await list(`unix://${silentPath}`), 1, /did not answer within 2 s/);
        assertEnded(await list(spire.endpoint), 1, /is no SPIRE server: unknown service .*\nhint: .*Workload API of an agent/);
        assertEnded(
          await list(`unix://${spire.serverSocket}`, { uid: uids.nobody }),
          3,
          new RegExp(`may not be asked by this user \\(uid ${uids.nobody}\\)`),
        );
        assertEnded(await command.run(['entries', 'list'], { server: '' }), 3, /nothing says where the SPIRE server is/);
        assertEnded(await list(`127.0.0.1:${closed}`, { uid: uids.nobody }), 4, /grants no identity/);
      } finally {
        silent.close();
      }
      return 'eight ways to go wrong, each with a code and a hint';
    },
  },
  {
    name: 'admin-svid',
    rule: 'over mTLS an admin SVID may do it all, another may do nothing, and no other server than that of the trust domain is asked',
    run: async ({ command }) => {
      const { suite, spire, agent } = command;
      const people = command.file('admin', [
        item(id('admin/ops'), agent, [`selectors: [unix:uid:${uids.admin}]`, 'admin: true']),
        item(id('admin/other'), agent, [`selectors: [unix:uid:${uids.other}]`]),
      ]);
      assertEnded(await command.run(['entries', 'apply', '-f', people]), 0);
      for (const uid of [uids.admin, uids.other])
        await until(
          () => command.run(['whoami'], { uid }),
          ({ code }) => code === 0,
          { timeout: propagation, what: `an identity of ${uid}` },
        );
      const as = { uid: uids.admin, server: spire.serverAddress };
      const file = command.file('admin-made', [item(id('admin/made'), node, ['selectors: [unix:uid:1]'])]);
      const applied = await command.run(['entries', 'apply', '-f', file], as);
      assertEnded(applied, 0, /\n1 created in /);
      assertEnded(await command.run(['entries', 'apply', '-f', file], as), 0, /^nothing to change/);
      assertEnded(await command.run(['entries', 'list', '--owner', 'admin-made', '--as', id('admin/ops')], as), 0, /\n1 entry\n$/);
      assertEnded(await command.run(['agents', 'list'], as), 0, /\n1 agent\n$/);
      assertEnded(
        await command.run(['entries', 'list', '--as', id('admin/none')], as),
        4,
        /gives this process no spiffe:\/\/example\.org\/admin\/none\nhint: there are: spiffe:/,
      );
      const refused = await command.run(['entries', 'list'], { ...as, uid: uids.other });
      assertEnded(
        refused,
        4,
        /^error: .* does not allow this: authorization denied .*\nhint: spiffe:\/\/example\.org\/admin\/other is no admin: /,
      );
      const impostor = suite.startNode('impostor', 'e2e/spire/entries/impostor.js', [], {
        as: { env: { SPIFFE_ENDPOINT_SOCKET: spire.endpoint }, uid: uids.other, gid: uids.other },
      });
      const address = await impostor.line((line) => line.startsWith('127.0.0.1:'), { timeout: 15_000, what: 'address' });
      const misled = await command.run(['entries', 'list'], { ...as, server: address });
      assertEnded(misled, 4, /^error: .*spiffe:\/\/example\.org\/admin\/other/);
      await impostor.stop();
      return `applied over mTLS in ${ms(applied.ms)}`;
    },
  },
  {
    name: 'workload',
    rule: 'a workload gets the identity of an entry that was applied, its change, and loses it when it is pruned',
    run: async ({ command }) => {
      const { agent } = command;
      const spiffeId = id('workload/web');
      const entry = (/** @type {readonly string[]} */ more) =>
        command.file('workload', [item(spiffeId, agent, [`selectors: [unix:uid:${uids.workload}]`, ...more])]);
      const watch = command.start('watch', ['watch', '--format', 'json'], { uid: uids.workload });
      const refused = (/** @type {string} */ line) => line.includes('"event":"refused"');
      await watch.line(refused, { timeout: 15_000, what: 'refusal of a workload without an entry' });
      assertEnded(await command.run(['entries', 'apply', '-f', entry([])]), 0);
      const begin = performance.now();
      const issued = (/** @type {string} */ line) => line.includes('"event":"issued"') && line.includes(spiffeId);
      await watch.line(issued, { timeout: 60_000, what: 'the SVID' });
      const first = performance.now() - begin;
      assertEnded(await command.run(['whoami'], { uid: uids.workload }), 0, new RegExp(`^${spiffeId}\n`));
      assertEnded(await command.run(['entries', 'apply', '-f', entry(['hint: public'])]), 0, /hint +not set -> public/);
      await until(
        () => command.run(['whoami'], { uid: uids.workload }),
        ({ stdout }) => /hint +public/.test(stdout),
        { timeout: propagation, what: 'the hint' },
      );
      assertEnded(await command.run(['entries', 'apply', '-f', command.file('workload', []), '--prune']), 0, /\n1 deleted/);
      const withdrawn = (/** @type {string} */ line) => line.includes('"event":"withdrawn"');
      await watch.line(withdrawn, { timeout: 60_000, what: 'the withdrawal' });
      await watch.stop();
      return `the first SVID came ${ms(first)} after the entry`;
    },
  },
  {
    name: 'agents',
    rule: 'a token alone is printed and lets one agent join; agents are listed; an evicted one is gone',
    run: async ({ command }) => {
      const { spire } = command;
      const token = await command.run(['token', 'generate', '--ttl', '5m', '--alias', id('agents/alias')]);
      assertEnded(token, 0, /^[0-9a-f-]{36}\n$/);
      const second = await joinAgent(command, token.stdout.trim());
      const joined = `spiffe://example.org/spire/agent/join_token/${token.stdout.trim()}`;
      const listed = await command.run(['agents', 'list']);
      assertEnded(listed, 0, new RegExp(`^${joined}\n {4}attested +by join_token, cannot attest again\n {4}expires +.* left\n`, 'm'));
      assertEnded(listed, 0, /\n2 agents\n$/);
      assert.equal((await only(command, id('agents/alias'))).parent_id.path, `/spire/agent/join_token/${token.stdout.trim()}`);
      await second.stop();
      await spire.cli(['agent', 'ban', '-spiffeID', joined]);
      assertEnded(await command.run(['agents', 'list']), 0, new RegExp(`^${joined} {2}banned\n`, 'm'));
      assertEnded(await command.run(['agents', 'evict', joined]), 0, new RegExp(`^evicted ${joined}\n$`));
      assertEnded(await command.run(['agents', 'evict', joined]), 1, /the server knows no agent/);
      assertEnded(await command.run(['agents', 'list']), 0, /\n1 agent\n$/);
      return 'joined, listed, banned, evicted';
    },
  },
  {
    name: 'bundle',
    rule: 'the bundle is that which SPIRE shows, as PEM and as a SPIFFE bundle',
    run: async ({ command }) => {
      const pem = await command.run(['bundle', 'show']);
      assertEnded(pem, 0);
      assert.equal(pem.stdout, await command.spire.bundle());
      const json = await command.run(['bundle', 'show', '--format', 'json']);
      const theirs = JSON.parse(await command.spire.cli(['bundle', 'show', '-format', 'spiffe']));
      assert.deepEqual(JSON.parse(json.stdout).keys, theirs.keys);
      return `${theirs.keys.length} keys`;
    },
  },
];

/**
 * Starts one more agent beside that of the suite, with a join token, and resolves when it is attested.
 * @param {Command} command
 * @param {string} token
 */
async function joinAgent({ suite, run }, token) {
  const folder = join(suite.folder, 'spire', 'agent-2');
  mkdirSync(folder);
  const first = join(suite.folder, 'spire', 'agent');
  const config = readFileSync(join(first, 'agent.conf'), 'utf8')
    .replaceAll(first, folder)
    .replace(/socket_path = ".*"/, `socket_path = "${join(folder, 'agent.sock')}"`)
    .replace(/bind_port = "\d+"/, `bind_port = "${await freePort()}"`);
  writeFileSync(join(folder, 'agent.conf'), config);
  writeFileSync(join(folder, 'bundle.pem'), readFileSync(join(first, 'bundle.pem')));
  const { agent } = await installSpire({ log: () => undefined });
  const program = suite.programs.start('spire-agent-2', agent, ['run', '-config', join(folder, 'agent.conf'), '-joinToken', token]);
  await until(
    () => run(['agents', 'list']),
    ({ stdout }) => stdout.includes(token),
    { timeout: 30_000, what: 'the second agent' },
  );
  return program;
}
