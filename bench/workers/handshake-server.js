// A TLS server in one of three kinds: stock node:tls, ours, and the floor (the same server as ours, verifying nothing).

import { constants } from 'node:crypto';
import { createServer } from 'node:tls';
import { authorizeMemberOf } from 'ephemos';
import { listen } from 'ephemos/tls';
import { bundlePem, createFixedSource, toPem } from '../lib/identities.js';
import { createCpuMeter, serveWorker } from '../lib/worker.js';

const cpu = createCpuMeter();
let handshakes = 0;

function answer(socket) {
  handshakes += 1;
  socket.on('error', () => undefined);
  socket.end('x');
}

async function openPlain(options) {
  const server = createServer({ minVersion: 'TLSv1.3', requestCert: true, ...options }, answer);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

serveWorker({
  async start({ kind, identities: { server, bundle } }) {
    switch (kind) {
      case 'stock':
        return openPlain({ ...toPem(server), ca: bundlePem(bundle), rejectUnauthorized: true });
      case 'floor':
        return openPlain({ ...toPem(server), ca: [], rejectUnauthorized: false, secureOptions: constants.SSL_OP_NO_TICKET });
      default: {
        const source = createFixedSource([server], bundle);
        const listener = await listen({ source, authorize: authorizeMemberOf('bench.example'), host: '127.0.0.1' }, answer);
        return listener.address().port;
      }
    }
  },
  /** CPU microseconds per handshake since the last look. */
  usage() {
    const seconds = cpu();
    const count = handshakes;
    handshakes = 0;
    return { handshakes: count, cpuPerHandshake: (seconds * 1e6) / Math.max(count, 1) };
  },
});
