import { connect as tlsConnect } from 'node:tls';
import { listen, type TlsListener } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { deferred, next, nextTurn } from '../support/events.ts';
import { stockClient } from '../support/stock.ts';
import { openTlsWorld, type TlsWorld, untilSource, WEB } from '../support/tls-world.ts';

const CONNECTIONS = 1_000;
/** A signature takes 30 us and more wherever this runs: a slice of 5 ms has room for 170 of them at the most, and two rounds may work in one turn. */
const MOST_IN_A_TURN = 600;

async function openMany(world: TlsWorld, listener: TlsListener): Promise<void> {
  // A leaf for each: it is verified anew, with its signature, when the bundle changes.
  const certificates = await Promise.all(Array.from({ length: CONNECTIONS }, () => stockClient(world.authority, WEB)));
  const lanes = Array.from({ length: 16 }, async (_, lane) => {
    for (let index = lane; index < CONNECTIONS; index += 16) {
      const socket = tlsConnect({ ...certificates[index], host: '127.0.0.1', port: listener.address().port });
      await next(socket.on('error', () => undefined).resume(), 'secureConnect');
    }
  });
  await Promise.all(lanes);
}

describe('a thousand live connections', () => {
  it('are verified again in small turns, and each is looked at when reauthorize() is done', { timeout: 60_000 }, async () => {
    await using world = await openTlsWorld();
    let judged = 0;
    let ended = 0;
    let arrived = 0;
    const all = deferred();
    const authorize = (): boolean => {
      judged += 1;
      return true;
    };
    await using listener = await listen({ ...world.server, authorize, host: '127.0.0.1' }, (socket) => {
      arrived += 1;
      socket.resume().once('close', () => {
        ended += 1;
      });
      if (arrived === CONNECTIONS) all.resolve();
    });
    await openMany(world, listener);
    await all.promise;

    await world.authority.rotateAuthority({ overlap: true });
    await untilSource(world.server.source, () => world.server.source.bundles.get(world.authority.trustDomain)?.size === 2);
    // The change of the bundle has begun a round by now. These begin two more, and the first of them is done when the last is.
    judged = 0;
    const rounds = [listener.reauthorize(), listener.reauthorize()] as const;
    let most = 0;
    let before = 0;
    let running = true;
    const first = rounds[0].then(() => {
      running = false;
      return judged;
    });
    while (running) {
      await nextTurn();
      most = Math.max(most, judged - before);
      before = judged;
    }
    expect(await first).toBeGreaterThanOrEqual(CONNECTIONS);
    await rounds[1];
    expect(most).toBeLessThan(MOST_IN_A_TURN);
    expect(ended).toBe(0);
  });
});
