// A peer that never rotates: it takes one SVID, keeps certificate and key in memory, and speaks plain node:tls with them on both sides. It dials the
// server and keeps calling on one connection, and it listens. `dial` on standard input dials once more. One JSON object per event on standard output.
import { createInterface } from 'node:readline';
import { connect, createServer } from 'node:tls';
import { parseArgs } from 'node:util';
import { openX509Source } from 'ephemos';

const { values } = parseArgs({ options: { server: { type: 'string', default: '' } } });
const [host, port] = values.server.split(':');
const pause = 200;

/** @param {Record<string, unknown>} event */
const say = (event) => process.stdout.write(`${JSON.stringify({ ...event, time: Date.now() })}\n`);
/** @param {Uint8Array} der */
const pem = (der) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;

const source = await openX509Source();
const { svid } = source;
const identity = { cert: svid.chain.map(pem).join(''), key: svid.privateKey.export({ type: 'pkcs8', format: 'pem' }) };
await source.close();

// Whom it talks to does not matter here: it is the one that is judged.
const listener = createServer({ ...identity, requestCert: true, rejectUnauthorized: false }, (socket) => {
  socket.on('error', () => undefined);
  socket.resume();
});
await new Promise((resolve) => listener.listen(0, '127.0.0.1', () => resolve(undefined)));
const address = listener.address();
if (address === null || typeof address === 'string') throw new Error('it has no address');

void keepCalling(`127.0.0.1:${address.port}`);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'dial') say({ event: 'dialled', admitted: (await dial()) !== undefined });
}
process.exit(0);

/**
 * A connection that ends for its age is made again; one that brings no answer is a refusal, and the last one.
 * @param {string} listening
 */
async function keepCalling(listening) {
  let connection = await dial();
  if (connection !== undefined) say({ event: 'ready', address: listening, chain: svid.chain.length });
  while (connection !== undefined) {
    await connection.ended;
    say({ event: 'ended' });
    connection = await dial();
  }
  say({ event: 'refused' });
}

/**
 * Dials and calls again and again on that connection. Resolves with the first answer, or with nothing when there is none.
 * @returns {Promise<{ ended: Promise<void> } | undefined>}
 */
function dial() {
  return new Promise((resolve) => {
    const socket = connect({ ...identity, host: host ?? '', port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    const call = () =>
      socket.write('POST /echo HTTP/1.1\r\nhost: echo\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 5\r\n\r\nstale');
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    /** @type {Promise<void>} */
    const ended = new Promise((settle) => {
      socket.on('close', () => {
        clearInterval(timer);
        settle();
        resolve(undefined);
      });
    });
    socket.on('error', () => undefined); // What is told is that it ended; why, the server says.
    socket.once('secureConnect', () => {
      call();
      timer = setInterval(call, pause);
    });
    socket.on('data', (bytes) => {
      if (bytes.toString('latin1').startsWith('HTTP/1.1 200')) resolve({ ended });
    });
  });
}
