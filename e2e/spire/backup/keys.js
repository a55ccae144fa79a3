// What becomes of a trust domain when keys are lost: those of a server whose database is kept, and those of a server that was not in the backup.
import { strict as assert } from 'node:assert';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, register } from '../deployment/deployment.js';
import { agentsOf } from './agents.js';
import { authorityOf, bundleOf, destroy, inRoom, openPlace, rebuild, serverWords } from './places.js';
import { asWhom, forWhom } from './scripts.js';

const [orders, billing] = [22_301, 22_302];
const [usage, refused] = [2, 4];

/** @param {import('./places.js').Place} place */
function bothOf({ running: { servers } }) {
  const [first, second] = servers;
  if (first === undefined || second === undefined) throw new Error('there are not two servers');
  return /** @type {const} */ ([first, second]);
}

/**
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<readonly string[]>}
 */
export function keysLost({ log }) {
  return inRoom({ name: 'bk-k', log }, async (room) => {
    const place = await openPlace(room, { variant: 'host-ha' });
    const { deployment, agent } = place.running;
    const [first, second] = bothOf(place);
    const id = await register(deployment, first, { name: 'orders', uid: orders });
    await identityOf(deployment, room, orders);
    const before = { bundle: await bundleOf(first), first: await authorityOf(first), second: await authorityOf(second) };
    const known = [...(await agentsOf(first))];
    const process = agent.program();

    await first.daemon.kill();
    rmSync(join(first.place.data, 'keys.json'));
    await first.daemon.start();
    // All that follows is signed by the new authority.
    await second.daemon.stop();
    const after = { bundle: await bundleOf(first), first: await authorityOf(first) };
    assert.notEqual(after.first, before.first, 'the authority is the same, and its key is gone');
    assert.deepEqual(after.bundle.x509, before.bundle.x509, 'the upstream authority keeps the bundle as it is');
    assert.equal(after.bundle.jwt.length, before.bundle.jwt.length + 1, 'one JWT key more: the lost one stays until it expires');
    assert.ok(before.bundle.jwt.every((key) => after.bundle.jwt.includes(key)));

    const other = await register(deployment, first, { name: 'billing', uid: billing });
    const identity = await identityOf(deployment, room, billing);
    assert.equal(identity.id, other);
    assert.equal((await identityOf(deployment, room, orders)).id, id);
    assert.ok(process.running() && process.pid === agent.program().pid, 'the agent ended');
    assert.deepEqual(
      [...(await agentsOf(first))].map(([name, { serial }]) => [name, serial]),
      known.map(([name, { serial }]) => [name, serial]),
      'the agent was attested again',
    );
    return [
      `another X.509 authority under the same upstream at once; bundle: the same ${after.bundle.x509.length} root, JWT keys ${before.bundle.jwt.length} -> ${after.bundle.jwt.length}; the agent went on, a new entry got its SVID`,
    ];
  });
}

/**
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<readonly string[]>}
 */
export function oneOfTwo({ log }) {
  return inRoom({ name: 'bk-1', log }, async (room) => {
    const place = await openPlace(room, { variant: 'host-ha' });
    const { running, scripts } = place;
    const { deployment } = running;
    const [first, second] = bothOf(place);
    const id = await register(deployment, first, { name: 'orders', uid: orders });
    const archive = await scripts.backUp([...serverWords(place, [first.name]), ...forWhom(scripts)]);
    const before = { bundle: await bundleOf(first), first: await authorityOf(first), second: await authorityOf(second) };

    await destroy(place);
    await rebuild(place);
    const words = ['--archive', archive, ...asWhom(scripts)];
    await scripts.mustRefuse([...words, ...serverWords(place)], refused, /it has no server spire-2, only spire-1/);
    await scripts.mustRefuse([...words, ...serverWords(place, [first.name]), '--only', 'both'], usage, /--only wants database or keys/);
    const { code, stderr } = await scripts.run('restore.sh', [...words, ...serverWords(place, [first.name])]);
    assert.equal(code, 0, stderr);
    await first.daemon.start();
    assert.deepEqual(await bundleOf(first), before.bundle);
    assert.equal(await authorityOf(first), before.first);
    await second.daemon.start();
    const after = { bundle: await bundleOf(second), second: await authorityOf(second) };
    assert.notEqual(after.second, before.second);
    assert.deepEqual(after.bundle.x509, before.bundle.x509);
    assert.equal(after.bundle.jwt.length, before.bundle.jwt.length + 1);
    // The second one alone: what the first one restored is what it works on.
    await first.daemon.stop();
    const identity = await identityOf(deployment, room, orders);
    assert.equal(identity.id, id);

    // Then the database alone burns down: keys that are there stay, and nothing has to be forced.
    await second.daemon.stop();
    await running.database?.postgres.destroy();
    await running.database?.postgres.renew();
    const again = await scripts.run('restore.sh', [...words, ...serverWords(place, [first.name]), '--only', 'database']);
    assert.equal(again.code, 0, again.stderr);
    await first.daemon.start();
    assert.deepEqual(await bundleOf(first), before.bundle);
    assert.equal(await authorityOf(first), before.first);
    return [
      `the first server is itself again; the second starts on the same database with an authority of its own under the same upstream, JWT keys ${before.bundle.jwt.length} -> ${after.bundle.jwt.length}, and issues alone`,
    ];
  });
}
