// Certificates rotate by themselves, on both sides, while calls go on: none may fail.
import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { setTimeout } from 'node:timers/promises';
import { authorizeId } from 'ephemos';
import { startLoad } from './load.js';

const rotations = 3;
/** At a life of 8 s, three rotations take 12 s. */
const limitMs = 60_000;

/**
 * @param {import('./screen.js').Screen} screen
 * @param {{ source: import('ephemos').X509Source, address: string, expected: string }} target
 */
export async function rotateUnderLoad(screen, { source, address, expected }) {
  /** @type {Record<'client' | 'server', Set<string>>} the certificates that were seen of each side */
  const seen = { client: new Set(), server: new Set() };
  let connections = 0;
  subscribe('ephemos:tls:handshake', () => {
    connections += 1;
  });
  // A policy is a function of the verified peer. This one also looks at the certificate that it comes with.
  const authorizeServer = authorizeId(expected);
  /** @type {import('ephemos').Authorizer} */
  const authorize = (peer) => {
    seen.server.add(fingerprint(peer));
    return authorizeServer(peer);
  };
  const turns = (/** @type {'client' | 'server'} */ side) => Math.max(seen[side].size - 1, 0);

  await screen.step('rotation under load', async (show) => {
    const load = startLoad({ server: address, source, authorize, timeout: 10_000 });
    const { counts } = load;
    const deadline = performance.now() + limitMs;
    while (Math.min(turns('client'), turns('server')) < rotations && counts.failed === 0) {
      seen.client.add(fingerprint(source.svid));
      assert.ok(performance.now() < deadline, `${turns('client')} and ${turns('server')} rotations in ${limitMs / 1000} s`);
      show(`rotation under load, ${Math.min(turns('client'), turns('server'))} of ${rotations}: ${calls(counts)}`);
      await setTimeout(100);
    }
    await load.stop();
    assert.equal(counts.failed, 0, `a call failed while certificates rotated: ${load.failure()}`);
    show(`certificates rotated by themselves ${rotations} times on each side: ${calls(counts)}`);
    const all = (counts.grpc + counts.http).toLocaleString('en');
    screen.note(`${rotations} rotations under load`, '0 failed', `${all} calls on ${connections} connections`);
    screen.note(
      '',
      '',
      `${counts.grpc.toLocaleString('en')} gRPC, ${counts.http.toLocaleString('en')} POST, ${counts.afterIdle} after idling`,
    );
  });
}

/** @param {import('./load.js').Load['counts']} counts */
function calls({ grpc, http, failed }) {
  return `${(grpc + http).toLocaleString('en')} calls, ${failed} failed`;
}

/** @param {{ chain: readonly Uint8Array[] }} holder */
function fingerprint({ chain }) {
  return createHash('sha256')
    .update(chain[0] ?? '')
    .digest('hex');
}
