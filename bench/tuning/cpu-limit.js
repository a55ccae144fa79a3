// What a CPU limit costs a service: handshakes a second, the wait of calls at a modest rate, of callers that all connect at once, and from start to ready.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openDevAgent } from '@ephemos/dev';
import { authorizeMemberOf, createAgent } from 'ephemos';
import { createFixedSource, makeIdentities } from '../lib/identities.js';
import { median, quantile } from '../lib/statistics.js';
import { startWorker } from '../lib/worker.js';
import { createGroup, whyNoGroups } from './control-group.js';

const RATE = 100;
const CONNECTIONS = 8;
const AT_ONCE = 50;
const program = fileURLToPath(new URL('../../examples/echo/dist/echo-server.js', import.meta.url));

export async function measureCpuLimit({ short }) {
  const why = whyNoGroups();
  const seconds = short ? 2 : 4;
  const identities = await makeIdentities({ intermediate: true, clients: 1 });
  const rows = [];
  for (const cpu of why === undefined ? [0.1, 0.25, 0.5, 1, undefined] : [undefined])
    rows.push({
      cpu: cpu ?? null,
      ...(await handshakes({ identities, cpu, seconds })),
      ...(await calls({ identities, cpu, seconds })),
      readySeconds: await start(cpu),
    });
  return { rate: RATE, atOnce: AT_ONCE, rows, skipped: why ?? null };
}

async function handshakes({ identities, cpu, seconds }) {
  const server = startWorker('handshake-server.js', { kind: 'ours', identities });
  const client = startWorker('handshake-client.js', { kind: 'ours', identities });
  const group = cpu === undefined ? undefined : createGroup({ cpu });
  try {
    const port = await server.ready;
    await client.ready;
    await client.call('run', { port, seconds: 1 });
    group?.add(server.pid);
    await server.call('usage');
    const perSecond = await client.call('run', { port, seconds });
    const { cpuPerHandshake } = await server.call('usage');
    return { handshakesPerSecond: Math.round(perSecond), handshakeUs: Math.round(cpuPerHandshake) };
  } finally {
    await client.stop();
    await server.stop();
    await group?.remove();
  }
}

/** Calls at their times, whether the one before was answered or not: a caller does not wait for others. */
async function calls({ identities, cpu, seconds }) {
  const server = startWorker('call-server.js', { kind: 'http ours', identities });
  const group = cpu === undefined ? undefined : createGroup({ cpu });
  const source = createFixedSource(identities.callers, identities.bundle);
  const agent = createAgent({ source, authorize: authorizeMemberOf('bench.example'), maxSockets: CONNECTIONS });
  const others = createAgent({ source, authorize: authorizeMemberOf('bench.example') });
  const call = (port, through = agent) =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const sent = request({ host: '127.0.0.1', port, agent: through }, (response) =>
        response.resume().on('end', () => resolve(performance.now() - startedAt)),
      );
      sent.on('error', reject);
      sent.end();
    });
  try {
    const port = await server.ready;
    for (let i = 0; i < 300; i++) await call(port);
    group?.add(server.pid);
    const pending = [];
    const startedAt = performance.now();
    for (let i = 0; i < RATE * seconds; i++) {
      pending.push(call(port));
      await delay(Math.max(0, startedAt + ((i + 1) * 1000) / RATE - performance.now()));
    }
    const times = await Promise.all(pending);
    const last = Math.max(...(await Promise.all(Array.from({ length: AT_ONCE }, () => call(port, others)))));
    return { p50Ms: round(median(times)), p99Ms: round(quantile(times, 0.99)), lastMs: Math.round(last) };
  } finally {
    agent.destroy();
    others.destroy();
    await server.stop();
    await group?.remove();
  }
}

/** Seconds from the start of the echo service to a readiness probe that passes. */
async function start(cpu) {
  const directory = mkdtempSync(join(tmpdir(), 'eph-start-'));
  const agent = await openDevAgent({ trustDomain: 'bench.example' });
  const group = cpu === undefined ? undefined : createGroup({ cpu });
  const health = await freePort();
  const path = join(directory, 'config.yaml');
  writeFileSync(
    path,
    `service: { name: server, domain: bench.example, authorized_clients: [spiffe://bench.example/web] }
listen: { address: "127.0.0.1:0" }
health: { address: "127.0.0.1:${health}" }
metrics: { address: "127.0.0.1:0" }
shutdown: { drain_delay: 0s, deadline: 1s }
`,
  );
  const env = {
    ...process.env,
    EPHEMOS_CONFIG_PATH: path,
    SPIFFE_ENDPOINT_SOCKET: await agent.endpointFor('spiffe://bench.example/server'),
    NODE_OPTIONS: '--max-old-space-size=160',
  };
  const startedAt = performance.now();
  const options = { env, stdio: ['ignore', 'ignore', 'inherit'] };
  const child =
    group === undefined ? spawn(process.execPath, [program, 'serve'], options) : group.spawn(process.execPath, [program, 'serve'], options);
  try {
    while (!(await isReady(health))) {
      if (child.exitCode !== null) throw new Error(`the echo service ended with ${child.exitCode}`);
      if (performance.now() - startedAt > 60_000) throw new Error('the echo service is not ready after a minute');
      await delay(20);
    }
    return round((performance.now() - startedAt) / 1000);
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await agent.close();
    await group?.remove();
    rmSync(directory, { recursive: true });
  }
}

function isReady(port) {
  return fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok, body }) => body?.cancel().then(() => ok) ?? ok,
    () => false,
  );
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const round = (value) => Number(value.toPrecision(3));
