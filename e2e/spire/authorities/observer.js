// Sees what a workload sees of a change of authority: its SVIDs and bundles as they come, a call on a new connection again and again, and one live
// connection to a peer that never rotates. Commands on standard input: `stale <host:port>` connects to that peer, `report`.
import { createHash } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { authorizeId, createAgent, openX509Source } from 'ephemos';
import { verifyPeer } from 'ephemos/spiffe';
import { connect } from 'ephemos/tls';
import { postWith } from '../post.js';

const { values } = parseArgs({
  options: { server: { type: 'string', default: '' }, peer: { type: 'string', default: '' }, stale: { type: 'string', default: '' } },
});
const pause = 100;

/** @param {Record<string, unknown>} event */
const say = (event) => process.stdout.write(`${JSON.stringify({ ...event, time: Date.now() })}\n`);
/** @param {Uint8Array} der */
const fingerprint = (der) => createHash('sha256').update(der).digest('hex').slice(0, 16);

const source = await openX509Source();
const counts = { calls: 0, failures: 0, longestGap: 0 };
/** @type {Map<string, number>} */
const codes = new Map();
/** @type {number[]} */
const failedAt = [];
/** When a call came back last. */
let last = performance.now();

subscribe('ephemos:tls:refused', (message) => {
  if (typeof message !== 'object' || message === null || !('live' in message) || message.live !== true || !('error' in message)) return;
  say({ event: 'live-refused', code: codeOf(message.error) });
});
void watch();
void callOnNewConnections();
/** @type {{ host: string, port: number } | undefined} */
let stale;

for await (const line of createInterface({ input: process.stdin })) {
  const [word, address = ''] = line.split(' ');
  if (word === 'report') report();
  if (word !== 'stale') continue;
  stale = { host: address.split(':')[0] ?? '', port: Number(address.split(':')[1]) };
  void stayConnected();
}
process.exit(0);

function report() {
  const longestGap = Math.max(counts.longestGap, Math.round(performance.now() - last));
  say({ event: 'report', ...counts, longestGap, codes: Object.fromEntries(codes), failedAt });
}

async function watch() {
  let seen = '';
  for await (const { svids, bundles } of source.updates()) {
    const [svid] = svids;
    if (svid === undefined) {
      seen = '';
      say({ event: 'withdrawn' });
      continue;
    }
    const own = bundles.get(svid.id.trustDomain);
    const state = {
      leaf: fingerprint(svid.chain[0] ?? new Uint8Array()),
      chain: svid.chain.length,
      // What signed the leaf, and what all of it ends in: `none` when our own bundle does not vouch for our own SVID.
      signer: svid.chain[1] === undefined ? anchorOf(svid, bundles) : fingerprint(svid.chain[1]),
      anchor: anchorOf(svid, bundles),
      authorities: (own?.authorities ?? []).map(({ der }) => fingerprint(der)),
    };
    if (JSON.stringify(state) === seen) continue;
    seen = JSON.stringify(state);
    say({ event: 'state', ...state });
  }
}

/**
 * @param {import('ephemos/spiffe').X509Svid} svid
 * @param {import('ephemos/spiffe').X509BundleSet} bundles
 */
function anchorOf({ chain }, bundles) {
  try {
    return fingerprint(verifyPeer(chain, bundles).authority);
  } catch {
    return 'none';
  }
}

/** Never one that is kept: what fails during a change of authority is handshakes. */
async function callOnNewConnections() {
  const allowed = authorizeId(values.peer);
  const agent = createAgent({
    source,
    keepAlive: false,
    authorize: (peer) => {
      const now = `${fingerprint(peer.chain[1] ?? peer.authority)} ${fingerprint(peer.authority)} ${peer.chain.length}`;
      if (now !== shown) {
        const [signer, anchor] = now.split(' ');
        say({ event: 'peer', signer, anchor, chain: peer.chain.length });
      }
      shown = now;
      return allowed(peer);
    },
  });
  let shown = '';
  for (;;) {
    counts.calls += 1;
    try {
      await postWith(agent, `https://${values.server}/echo`, 'fresh');
      const now = performance.now();
      counts.longestGap = Math.max(counts.longestGap, Math.round(now - last));
      last = now;
    } catch (error) {
      counts.failures += 1;
      failedAt.push(Date.now());
      const code = codeOf(error);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    if (counts.calls === 1) say({ event: 'ready' });
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** A connection that ends for its age is made again; a refusal is the last one. */
async function stayConnected() {
  if (stale === undefined) return;
  try {
    const socket = await connect({ ...stale, source, authorize: authorizeId(values.stale) });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      say({ event: 'stale-ended' });
      void stayConnected();
    });
    socket.resume();
    say({ event: 'stale-connected' });
  } catch (error) {
    say({ event: 'stale-refused', code: codeOf(error) });
  }
}

/**
 * The code of ours where there is one, however deep it is wrapped.
 * @param {unknown} thrown
 */
function codeOf(thrown) {
  const found = [];
  for (let error = thrown, depth = 0; error instanceof Error && depth < 6; error = error.cause, depth += 1) {
    found.push('code' in error ? String(error.code) : error.name);
  }
  return found.find((code) => code.startsWith('ERR_')) ?? found[0] ?? String(thrown);
}
