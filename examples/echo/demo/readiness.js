// The agent takes the identity of the server back, and gives it again: the server is unready in between, and its probe says why.
import { strict as assert } from 'node:assert';
import { inTime } from './in-time.js';
import { says } from './program.js';

/**
 * @param {import('./screen.js').Screen} screen
 * @param {{ server: import('./program.js').Program, probe: () => Promise<import('./program.js').Exit>,
 *   remove: () => Promise<unknown>, restore: () => Promise<unknown> }} target
 */
export async function loseReadiness(screen, { server, probe, remove, restore }) {
  await screen.step('the identity of echo-server is withdrawn', async (show) => {
    const before = await probe();
    assert.equal(before.code, 0, `echo-server health before the withdrawal: ${before.stderr}`);
    const readyLines = server.lines(says('ready')).length;
    await remove();
    await inTime(server.line(says('not ready'), 'not ready'), 'the server stayed ready without an identity');
    const { code, stderr } = await probe();
    assert.equal(code, 1, `echo-server health ended with ${code} for a server without an identity`);
    const [, reason] = /is not ready: (svid .*)/.exec(stderr) ?? [];
    assert.ok(reason, `the probe did not name the check: ${stderr}`);
    show(`echo-server health: not ready: ${reason}`);
    await restore();
    const began = performance.now();
    await inTime(server.line(says('ready'), 'ready', readyLines), 'the server did not become ready again');
    screen.note(
      'readiness without identity',
      'unready',
      `check svid; ready again ${(performance.now() - began).toFixed(0)} ms after it came back`,
    );
  });
}
