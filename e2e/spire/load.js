// The load client: many callers of the echo server on connections that are mostly idle, over HTTP/1.1, gRPC and, where a server speaks
// it, HTTP/2, until standard input says `end`. Prints one JSON object per event: ready, svid, withdrawn, failure, result.
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { authorizeId, createAgent, createFetch, openX509Source } from 'ephemos';
import { createHttp2Client } from 'ephemos/http2';
import { createEchoClient } from './echo-grpc.js';
import { postWith } from './post.js';

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: '' },
    peer: { type: 'string', default: '' },
    fetches: { type: 'string', default: '10' },
    agents: { type: 'string', default: '6' },
    channels: { type: 'string', default: '4' },
    /** host:port of a server of HTTP/2; without it there are no such callers. */
    http2: { type: 'string', default: '' },
    sessions: { type: 'string', default: '4' },
    pause: { type: 'string', default: '8000' },
    busy: { type: 'string', default: '3' },
  },
});
const begin = performance.now();
const seconds = () => Number(((performance.now() - begin) / 1000).toFixed(3));
const longestPause = Number(values.pause);
const busyPause = 100;
const countedPause = 1000;

const counts = { messages: 0, posts: 0, grpc: 0, http2: 0, afterPause: 0, failures: 0, ownRotations: 0 };
/** @type {Set<string>} */
const peerLeaves = new Set();
/** @type {Set<string>} */
const peerAuthorities = new Set();
let ending = false;

/** @param {Record<string, unknown>} event */
const say = (event) => process.stdout.write(`${JSON.stringify({ ...event, at: seconds() })}\n`);
/** @param {Uint8Array} der */
const fingerprint = (der) => createHash('sha256').update(der).digest('hex');

const source = await openX509Source();
const expected = authorizeId(values.peer);
/** @param {Parameters<typeof expected>[0]} peer */
const authorize = (peer) => {
  peerLeaves.add(fingerprint(peer.chain[0] ?? new Uint8Array()));
  peerAuthorities.add(fingerprint(peer.authority));
  return expected(peer);
};

void watchIdentity();
/** @type {PausingCaller[]} */
const callers = [
  // A pool of its own for each caller: its connection idles as long as its caller does.
  ...Array.from({ length: Number(values.fetches) }, () => postWithFetch()),
  ...Array.from({ length: Number(values.agents) }, () => postWithAgent()),
  ...Array.from({ length: Number(values.channels) }, () => callOverGrpc()),
  ...Array.from({ length: values.http2 === '' ? 0 : Number(values.sessions) }, () => postOverHttp2()),
].map((caller) => ({ ...caller, longestPause }));
// And some that hardly pause, so that there are calls under way at every moment of a rotation.
for (const open of [
  ...[postWithFetch, postWithAgent, callOverGrpc].slice(0, Number(values.busy)),
  ...(values.http2 === '' ? [] : [postOverHttp2]),
])
  callers.push({ ...open(), longestPause: busyPause });
const first = callers.map((caller) => call(caller));
await Promise.all(first);
say({ event: 'ready' });
const running = callers.map((caller) => keepCalling(caller));

for await (const line of createInterface({ input: process.stdin })) {
  ending = line === 'end';
  if (ending) break;
  report();
}
// Also when the one who started us is gone.
ending = true;
await Promise.all(running);
report();
process.exit(0);

function report() {
  const { posts, grpc, http2, afterPause, failures, ownRotations } = counts;
  const calls = posts + grpc + http2;
  const rotations = { ownRotations, peerRotations: peerLeaves.size - 1, peerAuthorities: peerAuthorities.size };
  say({ event: 'result', calls, posts, grpc, http2, afterPause, failures, ...rotations });
}

async function watchIdentity() {
  let serial = '';
  let seen = false;
  for await (const { svids } of source.updates()) {
    const leaf = svids[0]?.chain[0];
    if (leaf === undefined) {
      say({ event: 'withdrawn' });
      continue;
    }
    const next = fingerprint(leaf);
    if (next === serial) continue; // Only the bundle changed.
    serial = next;
    if (seen) {
      counts.ownRotations += 1;
      say({ event: 'svid' });
    }
    seen = true;
  }
}

/** @typedef {{ protocol: string, call: (message: string) => Promise<string> }} Caller */
/** @typedef {Caller & { longestPause: number }} PausingCaller */

/** @returns {Caller} */
function postWithFetch() {
  const fetch = createFetch({ source, authorize });
  return {
    protocol: 'fetch',
    call: async (message) => {
      const response = await fetch(`https://${values.server}/echo`, { method: 'POST', body: message });
      const text = await response.text();
      if (!response.ok) throw new Error(`status ${response.status}: ${text}`);
      return text;
    },
  };
}

/** @returns {Caller} */
function postWithAgent() {
  const agent = createAgent({ source, authorize, keepAlive: true });
  return { protocol: 'agent', call: (message) => postWith(agent, `https://${values.server}/echo`, message) };
}

/** @returns {Caller} */
function callOverGrpc() {
  const client = createEchoClient(values.server, { source, authorize });
  return { protocol: 'grpc', call: async (message) => (await client.echo(message)).message };
}

/** @returns {Caller} */
function postOverHttp2() {
  const client = createHttp2Client(`https://${values.http2}`, { source, authorize });
  return {
    protocol: 'http2',
    call: async (message) => {
      const stream = await client.request({ ':method': 'POST', ':path': '/echo' });
      const [status, body] = await Promise.all([statusOf(stream), text(stream.end(message))]);
      if (status !== 200) throw new Error(`status ${status}: ${body}`);
      return body;
    },
  };
}

/**
 * @param {import('node:http2').ClientHttp2Stream} stream
 * @returns {Promise<number | undefined>}
 */
function statusOf(stream) {
  return new Promise((resolve, reject) => {
    stream.once('response', (headers) => resolve(headers[':status'])).once('error', reject);
    stream.once('close', () => reject(new Error('the stream was closed without an answer')));
  });
}

/** @param {PausingCaller} caller */
async function keepCalling(caller) {
  while (!ending) {
    const pause = Math.random() * caller.longestPause;
    const until = performance.now() + pause;
    while (!ending && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, Math.min(100, until - performance.now())));
    if (ending) return;
    if (pause >= countedPause && ['fetch', 'agent'].includes(caller.protocol)) counts.afterPause += 1;
    await call(caller);
  }
}

/** @param {Caller} caller */
async function call({ protocol, call: send }) {
  counts.messages += 1;
  const message = `message ${counts.messages}`;
  counts[protocol === 'grpc' || protocol === 'http2' ? protocol : 'posts'] += 1;
  try {
    const answer = await send(message);
    if (!answer.includes(message)) throw new Error(`another answer: ${answer.slice(0, 100)}`);
  } catch (error) {
    counts.failures += 1;
    say({ event: 'failure', protocol, ...describe(error) });
  }
}

/**
 * The code of ours where there is one, however deep the client wrapped it.
 * @param {unknown} thrown
 * @returns {{ code: string, message: string }}
 */
function describe(thrown) {
  /** @type {{ code: string, message: string }[]} */
  const chain = [];
  for (let error = thrown, depth = 0; error instanceof Error && depth < 6; error = error.cause, depth += 1) {
    chain.push({ code: codeOf(error), message: error.message });
  }
  const message = chain.map((each) => each.message).join(' <- ');
  // Of our error gRPC keeps the text alone, which begins with the code.
  const code =
    chain.find((each) => each.code.startsWith('ERR_'))?.code ?? /\bERR_[A-Z_]+/.exec(message)?.[0] ?? chain[0]?.code ?? 'unknown';
  return { code, message: message === '' ? String(thrown) : message };
}

/** @param {Error} error */
function codeOf(error) {
  if (!('code' in error)) return error.name;
  return typeof error.code === 'number' ? `gRPC status ${error.code}` : String(error.code);
}
