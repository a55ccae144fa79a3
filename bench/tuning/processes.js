// One process or several: what a service takes that does nothing, and whom probes and scrapes meet in a cluster of processes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openDevAgent } from '@ephemos/dev';

const SCRAPES = 20;
const config = `service: { name: server, spiffe_id: spiffe://bench.example/server, domain: bench.example, authorized_clients: [spiffe://bench.example/web] }
listen: { address: "127.0.0.1:0" }
health: { address: "127.0.0.1:0" }
metrics: { address: "127.0.0.1:0" }
shutdown: { drain_delay: 0s, deadline: 1s }
`;

export async function measureProcesses() {
  const directory = mkdtempSync(join(tmpdir(), 'eph-proc-'));
  const path = join(directory, 'config.yaml');
  writeFileSync(path, config);
  const agent = await openDevAgent({ trustDomain: 'bench.example' });
  const env = {
    ...process.env,
    EPHEMOS_CONFIG_PATH: path,
    SPIFFE_ENDPOINT_SOCKET: await agent.endpointFor('spiffe://bench.example/server'),
    NODE_OPTIONS: '--max-old-space-size=160',
  };
  const rows = [];
  try {
    for (const workers of [1, 2]) rows.push({ workers, ...(await look({ env, workers })) });
  } finally {
    await agent.close();
    rmSync(directory, { recursive: true });
  }
  return { scrapes: SCRAPES, rows };
}

async function look({ env, workers }) {
  const program = fileURLToPath(new URL('./workers/cluster-service.js', import.meta.url));
  const child = spawn(process.execPath, [program, String(workers)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const urls = await metricsUrls(child.stdout, workers);
    const seen = new Map();
    for (let i = 0; i < SCRAPES; i++) {
      // A connection of its own each time, as a Prometheus that was away makes one.
      const text = await scrape(urls[0]);
      seen.set(/service="([^"]+)"/.exec(text)?.[1], metricOf(text, 'process_resident_memory_bytes') / 1024 / 1024);
    }
    const memory = [...seen.values()].map(Math.round);
    return { answered: seen.size, memoryMiB: memory };
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

function scrape(url) {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      resolve(text);
    }).on('error', reject);
  });
}

async function metricsUrls(stdout, workers) {
  const urls = [];
  for await (const line of createInterface({ input: stdout })) {
    const { msg, metrics } = JSON.parse(line);
    if (msg === 'listening') urls.push(`http://${metrics}/metrics`);
    if (urls.length === workers) return urls;
  }
  throw new Error('the service ended before it listened');
}

function metricOf(text, name) {
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}
