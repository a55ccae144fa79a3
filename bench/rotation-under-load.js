// Load with a rotation every 200 ms: no call may fail, and the new SVID must be on the wire right after the agent pushed it.
import { once } from 'node:events';
import { setInterval as every } from 'node:timers/promises';
import { connect } from 'node:tls';
import { openDevAgent } from '@ephemos/dev';
import { openX509Source } from 'ephemos';
import { secureContextOf } from '../packages/ephemos/dist/tls/secure-context.js';
import { quantile } from './lib/statistics.js';
import { startWorker } from './lib/worker.js';

const SERVER_ID = 'spiffe://bench.example/server';
const CLIENT_ID = 'spiffe://bench.example/client';
const ROTATION_MS = 200;

export async function benchRotationUnderLoad({ loadSeconds, report }) {
  const agent = await openDevAgent({ trustDomain: 'bench.example', svidTtlSeconds: 20 });
  const server = startWorker('rotating-server.js', { endpoint: await agent.endpointFor(SERVER_ID) });
  const port = await server.ready;
  const clientEndpoint = await agent.endpointFor(CLIENT_ID);
  const client = startWorker('rotating-client.js', { endpoint: clientEndpoint, port });
  await client.ready;
  const source = await openX509Source({ endpoint: clientEndpoint });

  const stop = new AbortController();
  const rotating = rotate(agent, port, source, stop.signal);
  const { done, failures } = await client.call('run', { seconds: loadSeconds });
  stop.abort();
  const delays = await rotating;

  await source.close();
  await client.stop();
  await server.stop();
  await agent.close();
  for (const failure of new Set(failures)) console.log(`  failed: ${failure}`);
  report({
    name: `failed calls of ${done}, ${delays.length} rotations`,
    unit: 'calls',
    ours: failures.length,
    target: { most: 0 },
    mustHold: true,
  });
  report({
    name: 'push of a new SVID until it is presented, p99',
    unit: 'ms',
    ours: quantile(delays, 0.99),
    target: { most: 50 },
    note: `median ${quantile(delays, 0.5).toFixed(1)} ms`,
  });
}

/** Rotates the server's SVID; after each push it shakes hands until the new certificate is seen. */
async function rotate(agent, port, source, signal) {
  const delays = [];
  try {
    for await (const _ of every(ROTATION_MS, undefined, { signal })) {
      const before = await presentedCertificate(port, source);
      await agent.rotate(CLIENT_ID);
      await agent.rotate(SERVER_ID);
      const pushedAt = performance.now();
      let seenAt;
      do {
        const startedAt = performance.now();
        const now = await presentedCertificate(port, source);
        if (now !== before) seenAt = startedAt;
      } while (seenAt === undefined && performance.now() - pushedAt < 5000);
      delays.push(seenAt === undefined ? Infinity : Math.max(0, seenAt - pushedAt));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return delays;
}

async function presentedCertificate(port, source) {
  const socket = connect({
    host: '127.0.0.1',
    port,
    secureContext: secureContextOf(source.svid, 'TLSv1.3'),
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
