// What a service adds to a server: metrics and a sampled audit, in CPU time of the server for each request and each handshake.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDevAgent } from '@ephemos/dev';
import { median, ratio } from './lib/statistics.js';
import { startWorker } from './lib/worker.js';

const config = `service: { name: server, domain: bench.example }
listen: { address: "127.0.0.1:0" }
health: { address: "127.0.0.1:0" }
metrics: { address: "127.0.0.1:0" }
limits: { max_connections_per_address: 10000, max_requests_per_connection: 1000000000 }
shutdown: { drain_delay: 0s, deadline: 1s }
policy: { rules: [{ name: client, id: "spiffe://bench.example/client", http: { method: GET, route: "/orders/:id" } }] }
`;

export async function benchService({ rounds, seconds, report }) {
  const directory = mkdtempSync(join(tmpdir(), 'eph-bench-'));
  const path = join(directory, 'config.yaml');
  writeFileSync(path, config);
  const agent = await openDevAgent({ trustDomain: 'bench.example' });
  const endpoint = await agent.endpointFor('spiffe://bench.example/server');
  const kinds = ['bare', 'watched'];
  const servers = Object.fromEntries(kinds.map((kind) => [kind, startWorker('service-server.js', { kind, path, endpoint })]));
  const client = startWorker('service-client.js', { endpoint: await agent.endpointFor('spiffe://bench.example/client') });
  try {
    await client.ready;
    for (const [work, name, most] of [
      ['requests', 'server CPU per HTTP/1 request, with metrics and audit / without', 1.06],
      ['handshakes', 'server CPU per handshake, with metrics and audit / without', 1.03],
    ]) {
      const cpu = { bare: [], watched: [] };
      for (let round = -1; round < rounds; round++) {
        // Each of them first in turn.
        for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
          const port = await servers[kind].ready;
          await servers[kind].call('usage');
          const done = await client.call('run', { kind: work, port, seconds: round < 0 ? 1 : seconds });
          if (round >= 0) cpu[kind].push(((await servers[kind].call('usage')) * 1e6) / done);
        }
      }
      report({
        name,
        unit: 'us',
        ours: median(cpu.watched),
        stock: median(cpu.bare),
        ratio: ratio(cpu.watched, cpu.bare),
        target: { most },
      });
    }
  } finally {
    await client.stop();
    for (const server of Object.values(servers)) await server.stop();
    await agent.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
