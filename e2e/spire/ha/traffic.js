// The calls that a drill is measured by: the echo server, a server of HTTP/2 with the same identity, the load on both, and when each side got an SVID.
import { ensureRegistered, ensureServer, ids } from '../echo-pair.js';
import { openLoad } from '../load-run.js';

/** @typedef {'client' | 'server'} Side */

/**
 * @typedef {object} Issued
 * @property {Side} side
 * @property {number} at by performance.now()
 */

/**
 * @typedef {object} Traffic
 * @property {import('../load-run.js').Load} load
 * @property {() => readonly Issued[]} issued every SVID that one of the two sides got while the load ran, in order
 * @property {(side: Side, after: number, timeout: number) => Promise<Issued>} next the first one that a side got after that moment
 * @property {(options: { freshFor: number, timeout: number }) => Promise<number>} justRotated resolves right after an SVID came, when the one
 *   of the other side is younger than `freshFor` ms; returns the age of that in ms
 * @property {() => number} live connections of the load
 */

/** @type {readonly Side[]} */
export const sides = ['client', 'server'];

/**
 * @typedef {object} Http2Server
 * @property {string} address
 * @property {Set<() => void>} onSvid
 * @property {() => number} lastSvid when it got its last one, by performance.now()
 */
/** @type {WeakMap<import('../suite.js').Suite, Http2Server>} */
const http2Servers = new WeakMap();

/**
 * The running server of HTTP/2, which is started with the first load.
 * @param {import('../echo-pair.js').Context} context
 */
async function ensureHttp2Server({ suite }) {
  const running = http2Servers.get(suite);
  if (running !== undefined) return running;
  /** @type {Set<() => void>} */
  const onSvid = new Set();
  let last = performance.now();
  const program = suite.startNode('http2-server', 'e2e/spire/ha/h2-server.js', ['--peer', ids.client], {
    as: await suite.world.as(ids.server),
    onLine: (line) => {
      if (JSON.parse(line).event !== 'svid') return;
      last = performance.now();
      for (const listener of onSvid) listener();
    },
  });
  const line = await program.line((text) => text.includes('"listening"'), { timeout: 30_000, what: 'listening line' });
  const server = { address: String(JSON.parse(line).address), onSvid, lastSvid: () => last };
  http2Servers.set(suite, server);
  return server;
}

/**
 * Starts the load over every protocol; resolves when each caller has made a call.
 * @param {import('../echo-pair.js').Context} context
 * @returns {Promise<Traffic & { end: () => Promise<import('../load-run.js').LoadResult> }>}
 */
export async function openTraffic(context) {
  const { suite } = context;
  const { address } = await ensureServer(context);
  const http2 = await ensureHttp2Server(context);
  await ensureRegistered(context, ids.client);
  /** @type {Issued[]} */
  const issued = [{ side: 'server', at: http2.lastSvid() }];
  /** @type {Set<(each: Issued) => void>} */
  const waiting = new Set();
  /** @param {Side} side */
  const note = (side) => {
    const each = { side, at: performance.now() };
    issued.push(each);
    for (const listener of waiting) listener(each);
  };
  const noteServer = () => note('server');
  http2.onSvid.add(noteServer);
  const load = await openLoad({
    suite,
    as: ids.client,
    server: address,
    peer: ids.server,
    http2: http2.address,
    onEvent: ({ event }) => {
      if (event === 'svid') note('client');
    },
  });

  /**
   * @param {(each: Issued) => boolean} test
   * @param {number} timeout
   * @param {string} what
   * @returns {Promise<Issued>}
   */
  const until = (test, timeout, what) =>
    new Promise((resolve, reject) => {
      /** @param {Issued} each */
      const listener = (each) => {
        if (!test(each)) return;
        clearTimeout(timer);
        waiting.delete(listener);
        resolve(each);
      };
      const timer = setTimeout(() => {
        waiting.delete(listener);
        reject(new Error(`${what} within ${Math.round(timeout / 1000)} s`));
      }, timeout);
      waiting.add(listener);
    });

  return {
    load,
    issued: () => issued,
    next: async (side, after, timeout) =>
      issued.find((each) => each.side === side && each.at > after) ??
      until((each) => each.side === side, timeout, `the ${side} got no new SVID`),
    justRotated: async ({ freshFor, timeout }) => {
      let age = 0;
      await until(
        ({ side, at }) => {
          const other = issued.findLast((each) => each.side !== side);
          age = at - (other?.at ?? 0);
          return other !== undefined && age <= freshFor;
        },
        timeout,
        'the SVIDs of client and server were never both young',
      );
      return age;
    },
    live: () => load.proxy.live() + (load.http2Proxy?.live() ?? 0),
    end: async () => {
      const result = await load.runFor(0);
      http2.onSvid.delete(noteServer);
      return result;
    },
  };
}
