// Full mTLS handshakes: ours against stock node:tls on the same certificates, and server CPU against a server that verifies nothing.
import { makeIdentities } from './lib/identities.js';
import { median, ratio } from './lib/statistics.js';
import { startWorker } from './lib/worker.js';

const FIRST_TIME_CALLERS = 600;
/** The first of them let the client compile what it runs. */
const WARM_UP = 50;

export async function benchHandshakes({ rounds, seconds, report }) {
  for (const intermediate of [false, true]) {
    const label = intermediate ? 'one intermediate' : 'root-signed';
    await benchRepeat({ rounds, seconds, report, intermediate, label });
    await benchFirstTime({ rounds, report, intermediate, label });
  }
}

async function benchRepeat({ rounds, seconds, report, intermediate, label }) {
  const identities = await makeIdentities({ intermediate, clients: 1 });
  const servers = {};
  const clients = {};
  for (const kind of ['stock', 'ours', 'floor']) servers[kind] = startWorker('handshake-server.js', { kind, identities });
  for (const kind of ['stock', 'ours']) clients[kind] = startWorker('handshake-client.js', { kind, identities });
  const perSecond = { stock: [], ours: [], floor: [] };
  const cpu = { stock: [], ours: [], floor: [] };
  for (const worker of Object.values(clients)) await worker.ready;
  for (let round = -1; round < rounds; round++) {
    for (const kind of ['stock', 'ours', 'floor']) {
      const port = await servers[kind].ready;
      await servers[kind].call('usage');
      const client = clients[kind === 'stock' ? 'stock' : 'ours'];
      const rate = await client.call('run', { port, seconds: round < 0 ? 1 : seconds });
      const usage = await servers[kind].call('usage');
      if (round < 0) continue;
      perSecond[kind].push(rate);
      cpu[kind].push(usage.cpuPerHandshake);
    }
  }
  for (const worker of [...Object.values(servers), ...Object.values(clients)]) await worker.stop();
  report({
    name: `handshakes/s, repeat callers, ${label}`,
    unit: '1/s',
    ours: median(perSecond.ours),
    stock: median(perSecond.stock),
    ratio: ratio(perSecond.ours, perSecond.stock),
    target: intermediate ? { least: { 20: 1.15, 24: 1.15 } } : { least: { 20: 1.45, 24: 1.35 } },
  });
  report({
    name: `server CPU per handshake / floor, ${label}`,
    unit: 'us',
    ours: median(cpu.ours),
    stock: median(cpu.floor),
    ratio: ratio(cpu.ours, cpu.floor),
    target: intermediate ? { most: { 20: 1.22, 24: 1.28 } } : { most: { 20: 1.15, 24: 1.2 } },
    note: `stock node:tls ${median(cpu.stock).toFixed(0)} us`,
  });
}

// Callers that a server which runs for a while has never seen: each has an SVID of its own, in every round new ones.
async function benchFirstTime({ rounds, report, intermediate, label }) {
  const { server, bundle, callers } = await makeIdentities({ intermediate, clients: FIRST_TIME_CALLERS * (rounds + 1) });
  const servers = {};
  for (const kind of ['stock', 'ours']) servers[kind] = startWorker('handshake-server.js', { kind, identities: { server, bundle } });
  const perSecond = { stock: [], ours: [] };
  const cpu = { stock: [], ours: [] };
  for (let round = -1; round < rounds; round++) {
    const first = (round + 1) * FIRST_TIME_CALLERS;
    const identities = { bundle, callers: callers.slice(first, first + FIRST_TIME_CALLERS) };
    for (const kind of ['stock', 'ours']) {
      const port = await servers[kind].ready;
      const client = startWorker('handshake-client.js', { kind, identities });
      await client.ready;
      await client.call('run', { port, seconds: 10, count: WARM_UP });
      await servers[kind].call('usage');
      const rate = await client.call('run', { port, seconds: 10, count: FIRST_TIME_CALLERS - WARM_UP });
      const usage = await servers[kind].call('usage');
      await client.stop();
      if (round < 0) continue;
      perSecond[kind].push(rate);
      cpu[kind].push(usage.cpuPerHandshake);
    }
  }
  for (const worker of Object.values(servers)) await worker.stop();
  report({
    name: `handshakes/s, first-time callers, ${label}`,
    unit: '1/s',
    ours: median(perSecond.ours),
    stock: median(perSecond.stock),
    ratio: ratio(perSecond.ours, perSecond.stock),
    target: intermediate ? { least: { 20: 0.9, 24: 0.9 } } : { least: { 20: 1.3, 24: 1.2 } },
    note: `server CPU ${median(cpu.ours).toFixed(0)} us, stock ${median(cpu.stock).toFixed(0)} us`,
  });
}
