// Those who take more than their share, from loopback addresses of their own: `flood` of handshakes without a certificate, `idle` connections of an
// authorized peer, `slow` handshakes and readers. Bounded in time and count; prints what became of them.
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';
import { authorizeId, openX509Source } from 'ephemos';
import { connect } from 'ephemos/tls';

const [, , kind = '', port = '', amount = '0'] = process.argv;
const host = '127.0.0.1';
// The attackers of an overload are on other machines: here they yield the two cores to the service, whose turns are what is measured.
setPriority(19);

/** @param {object} result */
const say = (result) => process.stdout.write(`${JSON.stringify(result)}\n`);

/** Resolves when a socket is closed, whatever ended it. @param {import('node:net').Socket} socket */
const closed = (socket) => new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));

/** @param {number} seconds */
async function flood(seconds) {
  const until = performance.now() + seconds * 1000;
  let [attempts, refused] = [0, 0];
  async function attempt() {
    while (performance.now() < until) {
      attempts += 1;
      const tcp = connectTcp({ host, port: Number(port), localAddress: '127.0.0.2' });
      const socket = connectTls({ socket: tcp, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
      tcp.on('error', () => socket.destroy());
      await closed(socket.resume());
      refused += 1;
    }
  }
  await Promise.all(Array.from({ length: 300 }, attempt));
  say({ attempts, refused });
}

/** @param {number} count */
async function idle(count) {
  const options = { source: await openX509Source(), authorize: authorizeId('spiffe://example.org/orders') };
  /** @type {import('node:tls').TLSSocket[]} */
  const sockets = [];
  let failures = 0;
  const dial = async (/** @type {number} */ index) => {
    const tcp = connectTcp({ host, port: Number(port), localAddress: `127.0.0.${10 + (index % 20)}` });
    try {
      await once(tcp, 'connect');
      sockets.push(await connect({ ...options, socket: tcp, protocols: ['http/1.1'] }));
    } catch {
      failures += 1;
    }
  };
  for (let at = 0; at < count; at += 20)
    await Promise.all(Array.from({ length: Math.min(20, count - at) }, (_, index) => dial(at + index)));
  say({ open: sockets.length, failures });
  await once(createInterface({ input: process.stdin }), 'line');
  for (const socket of sockets) socket.destroy();
  say({ closed: sockets.length });
}

/** @param {number} count */
async function slow(count) {
  const startedAt = performance.now();
  const options = { source: await openX509Source(), authorize: authorizeId('spiffe://example.org/orders') };
  const handshakes = Array.from({ length: count }, async () => {
    const socket = connectTcp({ host, port: Number(port), localAddress: '127.0.0.40' });
    const end = closed(socket.resume());
    // The start of a ClientHello of 512 bytes that never ends, a byte at a time.
    const hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...new Array(500).fill(0)];
    const drip = setInterval(() => socket.write(Buffer.from([hello.shift() ?? 0])), 100);
    await end;
    clearInterval(drip);
    return performance.now() - startedAt;
  });
  const readers = Array.from({ length: count }, async () => {
    const socket = await connect({ ...options, host, port: Number(port), protocols: ['http/1.1'] });
    const end = closed(socket.pause());
    socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    // A reader that reads nothing sees no end either: it sends line breaks, which mean nothing, until that fails.
    const startedReading = performance.now();
    const poke = setInterval(() => socket.write('\r\n'), 500);
    await end;
    clearInterval(poke);
    return performance.now() - startedReading;
  });
  const [cutHandshakes, cutReaders] = await Promise.all([Promise.all(handshakes), Promise.all(readers)]);
  say({
    handshakes: cutHandshakes.length,
    slowestHandshakeMs: Math.max(...cutHandshakes),
    readers: cutReaders.length,
    slowestReaderMs: Math.max(...cutReaders),
  });
}

const kinds = /** @type {Record<string, (amount: number) => Promise<void>>} */ ({ flood, idle, slow });
await kinds[kind]?.(Number(amount));
process.exit(0);
