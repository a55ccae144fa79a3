// 10,000 entries: planned in one pass, applied in batches, with little memory, through lost servers and killed commands.
import { strict as assert } from 'node:assert';
import { until } from '../observe.js';
import { assertEnded, item } from './command.js';

const many = { full: 10_000, short: 1_000 };
/** Enough for a command to be stopped in the middle. */
const stoppable = 3_000;
/** What V8 may have for objects, in MiB; a plan of 10,000 entries out of a file of 2.4 MB needs some 200. */
const heap = 256;
const timeout = 300_000;
const admin = { uid: 20_111, spiffeId: 'spiffe://example.org/bulk/ops', ttl: 20 };

const seconds = (/** @type {import('./command.js').Ended} */ { ms }) => `${(ms / 1000).toFixed(1)} s`;

/** @type {import('./run.js').Scenario} */
export const bulk = {
  name: 'bulk',
  rule: '10,000 entries are created, found unchanged, changed over mTLS while the SVID rotates, and pruned; what is interrupted is finished by a second run',
  run: async ({ command, short }) => {
    const total = short ? many.short : many.full;
    const node = [`--max-old-space-size=${heap}`];
    const before = await command.count();
    /** @param {string} ttl @param {number} number */
    const file = (ttl, number) =>
      command.file(
        'bulk',
        Array.from({ length: number }, (_, index) =>
          item(`spiffe://example.org/ns/team-${index % 100}/sa/workload-${index}`, `spiffe://example.org/node/${index % 50}`, [
            `selectors: [k8s:ns:team-${index % 100}, k8s:sa:workload-${index}]`,
            `x509_svid_ttl: ${ttl}`,
            `dns_names: [workload-${index}.team-${index % 100}.svc]`,
          ]),
        ),
      );
    const [hour, half] = [file('1h', total), file('30m', total)];
    const says = (/** @type {string} */ what) => new RegExp(`${total.toLocaleString('en-US')} ${what}`);

    const planned = await command.run(['entries', 'apply', '-f', hour, '--dry-run'], { node, timeout });
    assertEnded(planned, 5, says('to create'));
    const created = await command.run(['entries', 'apply', '-f', hour], { node, timeout });
    assertEnded(created, 0, says('created in'));
    assert.equal(await command.count(), before + total);
    const unchanged = await command.run(['entries', 'apply', '-f', hour, '--prune'], { node, timeout });
    assertEnded(unchanged, 0, says('unchanged'));

    const as = await becomeAdmin(command);
    const changed = await command.run(['entries', 'apply', '-f', half], { ...as, node, timeout });
    assertEnded(changed, 0, says('changed in'));
    const pruned = await command.run(['entries', 'apply', '-f', file('30m', 0), '--prune'], { node, timeout });
    assertEnded(pruned, 0, says('deleted in'));
    assert.equal(await command.count(), before + 1, 'only the admin is left');

    await interrupted(command, file('1h', stoppable), before + 1);
    const figures = [
      `planned in ${seconds(planned)}`,
      `created in ${seconds(created)}`,
      `found unchanged in ${seconds(unchanged)}`,
      `changed in ${seconds(changed)}`,
      `pruned in ${seconds(pruned)}`,
    ];
    return `${total} entries: ${figures.join(', ')}, with a heap of ${heap} MiB; command killed and server restarted on the way`;
  },
};

/**
 * Gives a user an admin SVID that rotates every few seconds.
 * @param {import('./command.js').Command} command
 */
async function becomeAdmin(command) {
  const lines = [`selectors: [unix:uid:${admin.uid}]`, 'admin: true', `x509_svid_ttl: ${admin.ttl}s`];
  assertEnded(await command.run(['entries', 'apply', '-f', command.file('bulk-ops', [item(admin.spiffeId, command.agent, lines)])]), 0);
  const as = { uid: admin.uid, server: command.spire.serverAddress };
  await until(
    () => command.run(['whoami'], as),
    ({ code }) => code === 0,
    { timeout: 30_000, what: 'the admin SVID' },
  );
  return as;
}

/**
 * Kills the command in the middle, and then the server under the next one; a run after that finishes what they began.
 * @param {import('./command.js').Command} command
 * @param {string} file
 * @param {number} before
 */
async function interrupted(command, file, before) {
  const args = ['entries', 'apply', '-f', file];
  const killed = command.start('killed', args);
  await until(command.count, (count) => count > before, { timeout, what: 'the first batch' });
  await killed.stop({ signal: 'SIGKILL' });
  const left = await command.count();
  assert.ok(left < before + stoppable, `killed too late: ${left - before} entries are there`);

  const bereft = command.start('bereft', args);
  await until(command.count, (count) => count > left, { timeout, what: 'a batch of the second run' });
  await command.spire.stopServer();
  const { code } = await bereft.exited;
  assert.equal(code, 1, `the command outlived its server: ${bereft.stdout().slice(-300)}`);
  assert.match(bereft.stderr(), /^error: the server at .*\nhint: .*a second run does what is still to be done\n$/);
  assert.match(bereft.stdout(), /\d+ created, [\d,]+ not done in /);
  await command.spire.startServer();

  assertEnded(await command.run(args), 0, /\n[\d,]+ created in /);
  assertEnded(await command.run(args), 0, /^nothing to change: 3,000 unchanged\n$/);
  assert.equal(await command.count(), before + stoppable);
}
