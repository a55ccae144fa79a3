// A machine of the network of firewall.js: it listens on ports, or dials from its addresses as it is told, a line of JSON each.
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const [what = '', ...words] = process.argv.slice(2);

if (what === 'once') {
  const [host = '', port = ''] = words;
  const socket = connect({ host, port: Number(port) }, () => {
    console.log('connected');
    socket.destroy();
  });
  socket.once('error', (error) => console.log(error.message));
} else {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', what === 'listen' ? listen : dial);
  // Whoever started it is gone.
  lines.once('close', () => process.exit(0));
  console.log('started');
}

async function listen() {
  for (const port of words) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('hello');
    });
    await new Promise((resolve) => server.listen({ host: '::', port: Number(port), ipv6Only: false }, () => resolve(true)));
  }
  console.log('listening');
}

/** @type {Map<number, import('node:net').Socket>} */
const open = new Map();

/** @param {string} line */
function dial(line) {
  const { number, from, to, port, stop } = JSON.parse(line);
  if (stop === true) {
    const socket = open.get(number);
    if (socket === undefined) return;
    open.delete(number);
    socket.destroy();
    console.log(`${number} dropped`);
    return;
  }
  const socket = connect({ host: to, port, localAddress: from });
  open.set(number, socket);
  const end = (/** @type {string} */ said) => {
    if (!open.delete(number)) return;
    socket.destroy();
    console.log(`${number} ${said}`);
  };
  socket.once('data', () => end('connected'));
  socket.once('error', (error) => end(error.message));
}
