// What of a call waits for libuv's thread pool: the operations that are started there, and how long a handshake takes while the pool is held.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeIdentities } from '../lib/identities.js';
import { startWorker } from '../lib/worker.js';

/** As many operations are made to hang as the pool has threads by default. */
const HELD = 4;

export async function measureThreadpool({ short }) {
  const identities = await makeIdentities({ intermediate: true, clients: 1 });
  const directory = mkdtempSync(join(tmpdir(), 'eph-pool-'));
  const pipes = Array.from({ length: HELD }, (_, index) => join(directory, `pipe-${index}`));
  const server = startWorker('../tuning/workers/pool-server.js', { identities });
  const rows = [];
  let started;
  try {
    spawnSync('mkfifo', pipes);
    const port = await server.ready;
    for (const threads of short ? [4, 8] : [2, 4, 8]) {
      const client = startWorker(
        '../tuning/workers/pool-client.js',
        { identities, port },
        { env: { UV_THREADPOOL_SIZE: String(threads) } },
      );
      await client.ready;
      if (started === undefined) {
        await server.call('count');
        const { ip, name } = await client.call('count', { calls: 50 });
        started = { calls: 50, server: await server.call('counted'), clientIp: ip, clientName: name };
      }
      rows.push({ threads, ...(await client.call('hold', { pipes, ms: 1_000 })) });
      await client.stop();
    }
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true });
  }
  return { held: HELD, started, rows };
}
