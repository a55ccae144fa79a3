// The agent takes the identity of the client back: connections that are up end, and new ones cannot be made until it gives it again.
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { authorizeId } from 'ephemos';
import { connect } from 'ephemos/tls';
import { inTime } from './in-time.js';

const connections = 8;
/** Over how long connections end, so that not all of them come back in one instant; 10 s unless told otherwise, 0 is allowed. */
const withdrawalGrace = 1_000;

/**
 * @param {import('./screen.js').Screen} screen
 * @param {{ source: import('ephemos').X509Source, address: string, expected: string,
 *   remove: () => Promise<unknown>, restore: () => Promise<unknown> }} target
 */
export async function withdraw(screen, { source, address, expected, remove, restore }) {
  const { hostname: host, port } = new URL(`tls://${address}`);
  const open = () =>
    connect({ source, authorize: authorizeId(expected), host, port: Number(port), protocols: ['http/1.1'], withdrawalGrace });

  await screen.step('the identity of echo-client is withdrawn', async (show) => {
    const sockets = await Promise.all(Array.from({ length: connections }, open));
    let began = 0;
    const ended = sockets.map(async (socket) => {
      await once(socket.resume(), 'close');
      return performance.now() - began;
    });
    began = performance.now();
    await remove();
    const times = await inTime(Promise.all(ended), 'the connections of a withdrawn identity did not end');
    await assert.rejects(open(), { code: 'ERR_IDENTITY_WITHDRAWN' });
    const first = Math.min(...times).toFixed(0);
    const last = Math.max(...times).toFixed(0);
    await restore();
    await inTime(identityOf(source), 'the identity did not come back');
    (await open()).destroy();
    show(`identity withdrawn: ${times.length} live connections ended after ${first} to ${last} ms; it came back`);
    screen.note('identity withdrawn', 'ended', `${times.length} of ${connections} connections, the last after ${last} ms`);
  });
}

/**
 * Resolves when the source has an identity.
 * @param {import('ephemos').X509Source} source
 */
async function identityOf(source) {
  for await (const { svids } of source.updates()) if (svids.length > 0) return;
}
