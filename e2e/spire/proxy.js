// A TCP relay between the load client and the server: it shows from outside which connections live, whatever either side believes.
import { connect, createServer } from 'node:net';

/**
 * @typedef {object} Proxy
 * @property {string} address
 * @property {() => number} live
 * @property {() => number} total
 * @property {(count: number, timeout: number) => Promise<void>} untilLive resolves when at least so many live
 * @property {(timeout: number) => Promise<void>} untilThoseEnd resolves when every connection that lives now has ended
 * @property {() => Promise<void>} close
 */

/**
 * @param {string} target host:port
 * @returns {Promise<Proxy>}
 */
export async function openProxy(target) {
  const [host, port] = target.split(':');
  /** @type {Set<import('node:net').Socket>} */
  const live = new Set();
  /** @type {Set<() => void>} */
  const changed = new Set();
  let total = 0;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (inside) => {
    const outside = connect({ host: host ?? '', port: Number(port), allowHalfOpen: true, noDelay: true });
    total += 1;
    live.add(inside);
    inside.pipe(outside).pipe(inside);
    for (const socket of [inside, outside]) {
      socket.on('error', () => undefined); // A reset on one side is passed on below.
      socket.on('close', () => {
        inside.destroy();
        outside.destroy();
        if (live.delete(inside)) notify();
      });
    }
    notify();
  });
  const notify = () => {
    for (const listener of changed) listener();
  };
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the relay has no address');

  /**
   * @param {() => boolean} test
   * @param {number} timeout
   * @param {() => string} what
   * @returns {Promise<void>}
   */
  const until = (test, timeout, what) =>
    new Promise((resolve, reject) => {
      if (test()) return resolve();
      const timer = setTimeout(() => {
        changed.delete(listener);
        reject(new Error(`${what()} after ${timeout} ms`));
      }, timeout);
      const listener = () => {
        if (!test()) return;
        clearTimeout(timer);
        changed.delete(listener);
        resolve();
      };
      changed.add(listener);
    });

  return {
    address: `127.0.0.1:${address.port}`,
    live: () => live.size,
    total: () => total,
    untilLive: (count, timeout) =>
      until(
        () => live.size >= count,
        timeout,
        () => `only ${live.size} of ${count} connections live`,
      ),
    untilThoseEnd: (timeout) => {
      const those = [...live];
      const left = () => those.filter((socket) => live.has(socket)).length;
      return until(
        () => left() === 0,
        timeout,
        () => `${left()} of ${those.length} connections still live`,
      );
    },
    close: async () => {
      for (const socket of live) socket.destroy();
      await new Promise((resolve) => server.close(() => resolve(undefined)));
    },
  };
}
