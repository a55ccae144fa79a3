// Authorized callers: on connections that stay, and on new ones. A line on standard input begins a phase; its figures are printed when the next begins.
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import { authorizeId, createAgent, openX509Source } from 'ephemos';

const [, , port = '', callers = '8'] = process.argv;
const source = await openX509Source();
const options = { source, authorize: authorizeId('spiffe://example.org/orders') };
const PAUSE_MS = 10;
const NEW_CONNECTION_MS = 100;

const kept = { times: /** @type {number[]} */ ([]), failures: 0 };
const fresh = { times: /** @type {number[]} */ ([]), failures: 0 };
let phase = '';

/** @param {import('node:https').Agent} agent */
function call(agent) {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/', agent }, (response) => {
      response
        .resume()
        .on('end', () => (response.statusCode === 200 ? resolve(undefined) : reject(new Error(`status ${response.statusCode}`))));
    })
      .on('error', reject)
      .end();
  });
}

/** @param {typeof kept} into @param {() => Promise<unknown>} work */
async function timed(into, work) {
  const startedAt = performance.now();
  try {
    await work();
    into.times.push(performance.now() - startedAt);
  } catch {
    into.failures += 1;
  }
}

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function callOnKept() {
  const agent = createAgent({ ...options, keepAlive: true, maxSockets: 1 });
  for (;;) {
    await timed(kept, () => call(agent));
    await pause(PAUSE_MS);
  }
}

async function callOnFresh() {
  for (;;) {
    const agent = createAgent({ ...options, keepAlive: false });
    await timed(fresh, () => call(agent));
    agent.destroy();
    await pause(NEW_CONNECTION_MS);
  }
}

/** @param {typeof kept} results */
function figures({ times, failures }) {
  const sorted = times.toSorted((a, b) => a - b);
  /** @param {number} part */
  const at = (part) => Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN).toFixed(2));
  return { calls: sorted.length, failures, p50: at(0.5), p99: at(0.99) };
}

for (let caller = 0; caller < Number(callers); caller++) void callOnKept();
void callOnFresh();
for await (const line of createInterface({ input: process.stdin })) {
  if (phase !== '') process.stdout.write(`${JSON.stringify({ phase, kept: figures(kept), fresh: figures(fresh) })}\n`);
  for (const results of [kept, fresh]) Object.assign(results, { times: [], failures: 0 });
  phase = line;
}
process.exit(0);
