// The drill: a deployment under load is backed up, burns down, and comes back from the backup, while the services of the echo pair go on.
import { strict as assert } from 'node:assert';
import { statSync } from 'node:fs';
import { identityOf } from '../deployment/deployment.js';
import { createDeploymentWorld } from '../deployment/world.js';
import { assertNoFailures, ensureRegistered, ensureServer, ids, startLoad } from '../echo-pair.js';
import { scrape, until } from '../observe.js';
import { checkout } from '../room.js';
import { createSuite } from '../suite.js';
import { agentsOf, openMachine } from './agents.js';
import { authorityOf, bundleOf, destroy, firstOf, inRoom, openPlace, rebuild, serverWords } from './places.js';
import { asWhom, forWhom } from './scripts.js';

/** Seconds that the SVIDs of the pair live: after any renewal they outlive the fire by far, also on a busy machine. */
const ttls = { full: 120, short: 600 };
const [late, retired, fresh] = [22_101, 22_102, 22_103];
const noticed = 60_000;

/** @param {number} from */
const secondsSince = (from) => `${((performance.now() - from) / 1000).toFixed(1)} s`;

/**
 * @param {{ variant: 'host' | 'host-ha', short: boolean, log: (line: string) => void }} options
 * @returns {Promise<readonly string[]>}
 */
export function drill({ variant, short, log }) {
  return inRoom({ name: variant === 'host' ? 'bk-h' : 'bk-ha', log }, async (room) => {
    const place = await openPlace(room, { variant });
    const { running, scripts } = place;
    const { servers, deployment, agent } = running;
    const ttl = ttls[short ? 'short' : 'full'];
    const world = createDeploymentWorld({ about: `SPIRE ${room.spire.version}, ${variant}`, running, ttl });
    const suite = createSuite(room, world);
    const context = { suite, short };
    const entries = await openEntries(place, suite);

    // Before the backup: the pair, two more machines, and an entry out of a file.
    for (const id of [ids.server, ids.client]) await ensureRegistered(context, id);
    assert.equal((await entries.run('apply', [retired])).code, 0);
    const renewed = await openMachine(place, 'machine-2');
    const banned = await openMachine(place, 'machine-3');
    const joined = await openMachine(place, 'machine-4');
    await renewed.agent.start();
    await banned.agent.start();
    const { program: echoServer, metrics } = await ensureServer(context);
    const load = await startLoad(context);

    const backupBegin = performance.now();
    const words = [...serverWords(place), ...forWhom(scripts)];
    const archive = await scripts.backUp(words);
    const backupTook = secondsSince(backupBegin);
    assert.equal(statSync(archive).mode & 0o777, 0o600, 'others may read the backup');
    const verified = await scripts.run('verify.sh', ['--archive', archive, ...asWhom(scripts)]);
    assert.equal(verified.code, 0, verified.stderr);

    // After it: what the backup cannot know.
    const before = await stateOf(place);
    assert.equal((await entries.run('apply', [late], ['--prune'])).code, 0);
    const had = identityOf(deployment, room, late);
    await renewed.agent.stop();
    renewed.forget();
    await renewed.agent.start();
    await joined.agent.start();
    await banned.agent.stop();
    await firstOf(place).cli(['agent', 'ban', '-spiffeID', banned.id]);
    assert.equal((await agentsOf(firstOf(place))).get(banned.id)?.banned, true);
    await had;
    const processes = [echoServer, agent.program(), renewed.agent.program(), joined.agent.program()];

    // An outage that begins just after a renewal is as long as it can be without a call that fails.
    if (!short) await load.event((event) => event.event === 'svid', { timeout: ttl * 1000, what: 'renewal', from: load.mark() });
    const fire = performance.now();
    await destroy(place);
    await rebuild(place);
    const restoreBegin = performance.now();
    await restore(place, archive);
    const restoreTook = secondsSince(restoreBegin);
    for (const { daemon } of servers) await daemon.start();
    const ready = secondsSince(fire);

    // The same trust: authorities, keys, and what every server tells of them.
    const after = await stateOf(place);
    assert.deepEqual(after, before);

    // Entries since the backup: gone, or back, and named by the file that says what is wanted.
    const diff = await entries.run('diff', [late], ['--prune']);
    assert.equal(diff.code, 5, diff.stderr);
    assert.match(diff.stdout, /^ *\+ .*\/late-22101\b/m, diff.stdout);
    assert.match(diff.stdout, /^ *- .*\/late-22102\b/m, diff.stdout);
    assert.equal((await entries.run('apply', [late], ['--prune'])).code, 0);
    assert.equal((await entries.run('diff', [late], ['--prune'])).code, 0);

    // Identities issue again: a new entry reaches its workload, signed after the fire.
    const id = `spiffe://${deployment.spire.domain}/fresh`;
    const parent = `spiffe://${deployment.spire.domain}/spire/agent/x509pop/machine-1`;
    await firstOf(place).cli(['entry', 'create', '-parentID', parent, '-spiffeID', id, '-selector', `unix:uid:${fresh}`]);
    const hasAgain = identityOf(deployment, room, late);
    assert.equal((await identityOf(deployment, room, fresh)).id, id);
    const issued = secondsSince(fire);
    await hasAgain;

    // The agent that the backup knows goes on; those that were attested after it are refused, and attest again by themselves.
    const attested = () => servers.flatMap(({ daemon }) => attestationsIn(daemon.program().stdout()));
    await until(
      async () => attested(),
      (seen) => [renewed.id, joined.id].every((each) => seen.includes(each)),
      { timeout: noticed, what: 'agents attest again' },
    );
    assert.deepEqual(attested().sort(), [renewed.id, joined.id].sort(), 'other agents were attested again, or one twice');
    assert.equal((await agentsOf(firstOf(place))).get(banned.id)?.banned, false, 'the ban came after the backup, and is lost with it');

    // The services: each has an SVID that was signed after the fire, and never stopped.
    const [mark, renewals] = [load.mark(), await renewalsOf(metrics)];
    if (short) await world.restartAgent({ downSeconds: 0 });
    await load.event((event) => event.event === 'svid', { timeout: (ttl + 30) * 1000, what: 'renewal after the restore', from: mark });
    await until(
      () => renewalsOf(metrics),
      (count) => count > renewals,
      { timeout: (ttl + 30) * 1000, what: 'the echo server has another SVID' },
    );
    const result = await load.runFor(2);
    assertNoFailures(result);
    assert.ok(echoServer.running() && renewed.agent.program().running() && joined.agent.program().running(), 'a process ended');
    assert.ok(short || agent.program().running());
    const pids = [echoServer, ...(short ? [] : [agent.program()]), renewed.agent.program(), joined.agent.program()].map(({ pid }) => pid);
    for (const pid of pids)
      assert.ok(
        processes.some((program) => program.pid === pid),
        'a process was started anew',
      );
    mustHideThePassword(place);

    return [
      `RTO ${ready} from the fire to servers that are ready (${restoreTook} of it restore.sh), ${issued} to the SVID of a new entry; ${result.failures} of ${result.calls} calls failed`,
      `backup in ${backupTook}, ${statSync(archive).size} bytes, encrypted with age; ${result.summary}`,
      `authorities and bundle are the same; agents: 1 went on, 2 attested again, 1 ban lost; entries: 1 lost, 1 returned, both named by "ephemos entries diff"`,
    ];
  });
}

/**
 * Each machine restores its own server; the first one also the database.
 * @param {import('./places.js').Place} place
 * @param {string} archive
 */
export async function restore(place, archive) {
  const { scripts, running } = place;
  for (const [index, { name }] of running.servers.entries()) {
    const words = ['--archive', archive, ...asWhom(scripts), ...serverWords(place, [name]), ...(index === 0 ? [] : ['--only', 'keys'])];
    const { code, stderr } = await scripts.run('restore.sh', words);
    assert.equal(code, 0, `restore.sh ended with ${code} for ${name}: ${stderr}`);
  }
}

/** @param {string} metrics host:port */
async function renewalsOf(metrics) {
  return (await scrape(metrics))('ephemos_svid_rotations_total');
}

/** @param {import('./places.js').Place} place */
async function stateOf({ running: { servers } }) {
  const states = [];
  for (const server of servers) states.push({ authority: await authorityOf(server), bundle: await bundleOf(server) });
  return states;
}

/** The agents that a log says were attested. @param {string} log */
function attestationsIn(log) {
  return log
    .split('\n')
    .filter((line) => line.includes('Agent attestation request completed'))
    .map((line) => String(JSON.parse(line).agent_id));
}

/** @param {import('./places.js').Place} place */
function mustHideThePassword({ scripts, running: { database } }) {
  if (database === undefined) return;
  const called = scripts.called();
  assert.match(called, /^pg_dump .*sslmode=verify-full/m);
  assert.match(called, /^psql .*sslmode=verify-full.*--file/m);
  assert.ok(!called.includes(database.password), 'the password of the database was an argument');
}

/**
 * `ephemos entries` on a file with one entry for each of some users.
 * @param {import('./places.js').Place} place
 * @param {import('../suite.js').Suite} suite
 */
async function openEntries(place, suite) {
  const { domain } = place.running.deployment.spire;
  const main = suite.reach.file(`${checkout}packages/cli/dist/main.js`);
  let runs = 0;
  return {
    /** @param {'apply' | 'diff'} verb @param {readonly number[]} users @param {readonly string[]} [words] */
    run: async (verb, users, words = []) => {
      runs += 1;
      const items = users.map(
        (uid) =>
          `  - spiffe_id: spiffe://${domain}/late-${uid}\n    parent_id: spiffe://${domain}/spire/agent/x509pop/machine-1\n    selectors: [unix:uid:${uid}]\n`,
      );
      const file = suite.write(`entries-${runs}.yaml`, `owner: drill\nentries:\n${items.join('')}`);
      const address = `unix://${firstOf(place).place.socket}`;
      return suite.programs.run(`ephemos-entries-${runs}`, suite.reach.node, [
        main,
        'entries',
        verb,
        '-f',
        file,
        '--server',
        address,
        ...words,
      ]);
    },
  };
}
