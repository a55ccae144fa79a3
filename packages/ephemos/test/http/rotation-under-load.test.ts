// Promise 5: zero failed calls while everything rotates. POSTs with random gaps, so that most of them meet an idle connection.

import type { Server } from 'node:tls';
import { peerOf } from 'ephemos';
import { describe, expect, it } from 'vitest';
import { echoCallers, echoServers, type Protocol } from '../support/echo-callers.ts';
import { type Listening, listening } from '../support/listening.ts';
import { leafOf, openTlsWorld, type TlsWorld } from '../support/tls-world.ts';

const DURATION_MS = 10_000;
/** Connections are left 2 to 3 s before, so there are several of them in this time; and a machine that stands still for a while is no failure. */
const TTL_SECONDS = 9;
const LANES = 3;
const LONGEST_GAP_MS = 400;

interface Outcome {
  readonly calls: number;
  readonly failures: readonly string[];
  readonly connections: number;
  /** Different certificates that callers showed to the server. */
  readonly leaves: number;
}

/** Calls through every client until the time is over, and calls `rotate` every now and then. */
async function run(world: TlsWorld, everyMs: number, rotate: () => Promise<void>): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const until = performance.now() + DURATION_MS;
  const callers = Object.entries(echoCallers).map(async ([name, { protocol, open }]) => {
    const { server, leaves } = await listen(world, protocol);
    const caller = open(server.port, world.client);
    let calls = 0;
    const failures: string[] = [];
    const lanes = Array.from({ length: LANES }, async () => {
      while (performance.now() < until) {
        calls += 1;
        const text = `${name} ${calls}`;
        const answer = await caller.call(text).catch((error: unknown) => `failed: ${String(error)}`);
        if (answer !== text) failures.push(answer);
        await new Promise<void>((resolve) => setTimeout(resolve, Math.random() * LONGEST_GAP_MS));
      }
    });
    await Promise.all(lanes);
    await caller.close();
    outcomes.set(name, { calls, failures, connections: server.accepted.length, leaves: leaves.size });
    await server[Symbol.asyncDispose]();
  });
  let rotating = false;
  const timer = setInterval(() => {
    if (rotating) return;
    rotating = true;
    void rotate().finally(() => {
      rotating = false;
    });
  }, everyMs);
  await Promise.all(callers);
  clearInterval(timer);
  return outcomes;
}

async function listen(
  world: TlsWorld,
  protocol: Protocol,
): Promise<{ readonly server: Listening<Server>; readonly leaves: ReadonlySet<string> }> {
  const leaves = new Set<string>();
  const server = await listening(echoServers[protocol](world.server));
  server.server.on('secureConnection', (socket) => {
    if (!socket.destroyed) leaves.add(leafOf(peerOf(socket)));
  });
  return { server, leaves };
}

function expectNoFailure(outcomes: ReadonlyMap<string, Outcome>): void {
  for (const [name, { calls, failures, connections, leaves }] of outcomes) {
    expect(failures, name).toEqual([]);
    expect(calls, name).toBeGreaterThan(LANES);
    expect(connections, name).toBeGreaterThan(1);
    expect(leaves, name).toBeGreaterThan(1);
  }
}

describe.concurrent('no call fails', () => {
  it('while SVIDs rotate every 500 ms', async () => {
    await using world = await openTlsWorld({ svidTtlSeconds: TTL_SECONDS });
    expectNoFailure(await run(world, 500, () => world.authority.rotate()));
  });

  it('while an authority with an intermediate is replaced, with overlap, every 1.5 s', async () => {
    await using world = await openTlsWorld({ intermediate: true, svidTtlSeconds: TTL_SECONDS });
    expectNoFailure(await run(world, 1_500, () => world.authority.rotateAuthority({ overlap: true })));
  });
});
