// Requests on live connections: HTTP keep-alive and gRPC unary, ours against stock, and what asking for the peer costs.
import { makeIdentities } from './lib/identities.js';
import { median, ratio } from './lib/statistics.js';
import { startWorker } from './lib/worker.js';

export function benchHttp(options) {
  return benchCalls({ ...options, protocol: 'http', name: 'HTTP keep-alive requests/s, 32 callers', least: 1.3 });
}

export function benchGrpc(options) {
  return benchCalls({ ...options, protocol: 'grpc', name: 'gRPC unary calls/s, 32 callers', least: 0.93 });
}

async function benchCalls({ rounds, seconds, report, protocol, name, least }) {
  const identities = await makeIdentities({ intermediate: true, clients: 1 });
  const kinds = ['stock', 'ours'];
  const pairs = kinds.map((kind) => {
    const argument = { kind: `${protocol} ${kind}`, identities };
    return { kind, server: startWorker('call-server.js', argument), client: startWorker('call-client.js', argument) };
  });
  for (const { client } of pairs) await client.ready;
  const perSecond = { stock: [], ours: [] };
  const cpu = { without: [], with: [] };

  async function measure({ server, client }, duration) {
    const port = await server.ready;
    await server.call('usage');
    const { perSecond: rate, calls } = await client.call('run', { port, seconds: duration });
    return { rate, cpuPerCall: ((await server.call('usage')) * 1e6) / calls };
  }

  for (let round = -1; round < rounds; round++) {
    for (const pair of pairs) {
      const { rate, cpuPerCall } = await measure(pair, round < 0 ? 1 : seconds);
      if (round < 0) continue;
      perSecond[pair.kind].push(rate);
      if (pair.kind !== 'ours') continue;
      cpu.without.push(cpuPerCall);
      await pair.server.call('askPeer', true);
      cpu.with.push((await measure(pair, seconds)).cpuPerCall);
      await pair.server.call('askPeer', false);
    }
  }
  for (const { server, client } of pairs) {
    await client.stop();
    await server.stop();
  }
  report({
    name,
    unit: '1/s',
    ours: median(perSecond.ours),
    stock: median(perSecond.stock),
    ratio: ratio(perSecond.ours, perSecond.stock),
    target: { least },
  });
  report({
    name: `server CPU with peerOf / without, ${protocol}`,
    unit: 'us',
    ours: median(cpu.with),
    stock: median(cpu.without),
    ratio: ratio(cpu.with, cpu.without),
    target: { most: 1.03 },
  });
}
