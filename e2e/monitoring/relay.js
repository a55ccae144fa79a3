// A TCP relay over which everything takes its time: a network that is slow.
import { connect, createServer } from 'node:net';

/**
 * @param {string} target host:port
 * @param {{ delay: number }} options milliseconds, each way
 * @returns {Promise<{ address: string, close: () => Promise<void> }>}
 */
export async function openSlowRelay(target, { delay }) {
  const [host = '', port] = target.split(':');
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  /** @param {import('node:net').Socket} from @param {import('node:net').Socket} to */
  const pass = (from, to) => {
    sockets.add(from);
    from.on('data', (bytes) => setTimeout(() => to.writable && to.write(bytes), delay));
    from.on('end', () => setTimeout(() => to.end(), delay));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      setTimeout(() => to.destroy(), delay);
    });
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (inside) => {
    const outside = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
    pass(inside, outside);
    pass(outside, inside);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the relay has no address');
  return {
    address: `127.0.0.1:${address.port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(() => resolve(undefined)));
    },
  };
}
