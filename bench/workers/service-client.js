// A caller with an identity of the agent: requests on connections that stay, or handshakes alone.
import { request } from 'node:https';
import { authorizeMemberOf, createAgent, openX509Source } from 'ephemos';
import { connect } from 'ephemos/tls';
import { serveWorker } from '../lib/worker.js';

let options;
let agent;

function call(port) {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, agent, path: '/orders/7' }, (response) => response.resume().on('end', resolve));
    sent.on('error', reject);
    sent.end();
  });
}

async function shakeHands(port) {
  const socket = await connect({ ...options, host: '127.0.0.1', port, protocols: ['http/1.1'] });
  await new Promise((resolve) => socket.on('error', resolve).once('close', resolve).resume().end());
}

serveWorker({
  async start({ endpoint }) {
    options = { source: await openX509Source({ endpoint }), authorize: authorizeMemberOf('bench.example') };
    agent = createAgent({ ...options, maxSockets: 32 });
  },
  /** How many were done in `seconds`. */
  async run({ kind, port, seconds }) {
    const until = performance.now() + seconds * 1000;
    const work = kind === 'handshakes' ? shakeHands : call;
    let done = 0;
    await Promise.all(
      Array.from({ length: kind === 'handshakes' ? 8 : 32 }, async () => {
        while (performance.now() < until) {
          await work(port);
          done += 1;
        }
      }),
    );
    return done;
  },
});
