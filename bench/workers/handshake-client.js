// A client that shakes hands as fast as it can, stock or ours, as one caller or as a new one each time.
import { connect, createSecureContext } from 'node:tls';
import { authorizeMemberOf } from 'ephemos';
import { createConnector } from '../../packages/ephemos/dist/tls/connect.js';
import { secureContextOf } from '../../packages/ephemos/dist/tls/secure-context.js';
import { bundlePem, createFixedSource, toPem } from '../lib/identities.js';
import { serveWorker } from '../lib/worker.js';

let dial;

function finish(socket) {
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', resolve);
    socket.resume();
  });
}

function createStock({ callers, bundle }) {
  const ca = bundlePem(bundle);
  // One context per caller, made beforehand: making one per connection, as options do, would only make the stock way slower.
  const contexts = callers.map((caller) => createSecureContext({ ...toPem(caller), ca, minVersion: 'TLSv1.3' }));
  let next = 0;
  return (port) => {
    const secureContext = contexts[next % contexts.length];
    next += 1;
    const socket = connect({ host: '127.0.0.1', port, secureContext, servername: '', checkServerIdentity: () => undefined });
    return finish(socket);
  };
}

function createOurs({ callers, bundle }) {
  const source = createFixedSource(callers, bundle);
  for (const svid of source.svids) secureContextOf(svid, 'TLSv1.3');
  const connector = createConnector({ source, authorize: authorizeMemberOf('bench.example') });
  return async (port) => {
    const connecting = connector.connect({ host: '127.0.0.1', port });
    source.next();
    await finish((await connecting).socket);
  };
}

serveWorker({
  start({ kind, identities }) {
    dial = kind === 'stock' ? createStock(identities) : createOurs(identities);
  },
  /** Handshakes per second over `seconds`, or over exactly `count` handshakes. */
  async run({ port, seconds, count = Infinity, concurrency = 8 }) {
    const startedAt = performance.now();
    const until = startedAt + seconds * 1000;
    let begun = 0;
    let done = 0;
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        while (performance.now() < until && begun < count) {
          begun += 1;
          await dial(port);
          done += 1;
        }
      }),
    );
    return (done * 1000) / (performance.now() - startedAt);
  },
});
