// Runs the load client as one caller, through a relay, and turns the lines it prints into events and a result.
import { openProxy } from './proxy.js';

/**
 * @typedef {object} LoadResult
 * @property {number} calls
 * @property {{ http1: number, http2: number, grpc: number }} byProtocol the calls
 * @property {number} failures
 * @property {readonly string[]} failureCodes
 * @property {readonly number[]} failureTimes seconds since the start
 * @property {readonly string[]} failureTexts the first few
 * @property {number} ownRotations
 * @property {number} peerRotations
 * @property {number} peerAuthorities
 * @property {string} summary
 */

/**
 * One line of the load client.
 * @typedef {object} LoadEvent
 * @property {'ready' | 'svid' | 'withdrawn' | 'failure' | 'result'} event
 * @property {number} at seconds since its start
 * @property {number} seenAt when it was read here, by performance.now()
 * @property {string} protocol failure
 * @property {string} code failure
 * @property {string} message failure
 * @property {number} calls result, and all that follow
 * @property {number} posts
 * @property {number} grpc
 * @property {number} http2
 * @property {number} afterPause
 * @property {number} failures
 * @property {number} ownRotations
 * @property {number} peerRotations
 * @property {number} peerAuthorities
 */

/**
 * @typedef {object} Load
 * @property {import('./proxy.js').Proxy} proxy
 * @property {import('./proxy.js').Proxy} [http2Proxy] where there are callers over HTTP/2
 * @property {import('./process.js').Program} program
 * @property {() => readonly LoadEvent[]} seen
 * @property {() => number} mark how many events there were until now
 * @property {(test: (event: LoadEvent) => boolean, options: { timeout: number, what: string, from?: number }) => Promise<LoadEvent>} event
 *   resolves with the first event from the mark on (default: from the start) that passes the test
 * @property {(seconds: number, options?: { end?: boolean }) => Promise<LoadResult>} runFor lets it run on; ends it unless told otherwise
 */

/**
 * Starts the load and resolves when each of its callers has made a call.
 * @param {object} options
 * @param {import('./suite.js').Suite} options.suite
 * @param {string} options.as the SPIFFE ID of the callers
 * @param {string} options.server host:port, for HTTP/1.1 and gRPC
 * @param {string} options.peer the SPIFFE ID of the server
 * @param {string} [options.http2] host:port of a server of HTTP/2 with the same SPIFFE ID; without it nobody calls over HTTP/2
 * @param {(event: LoadEvent) => void} [options.onEvent]
 * @returns {Promise<Load>}
 */
export async function openLoad({ suite, as, server, peer, http2, onEvent }) {
  /** @type {LoadEvent[]} */
  const events = [];
  /** @type {Set<(event: LoadEvent) => void>} */
  const listeners = new Set();
  const proxy = await openProxy(server);
  suite.onClose(() => proxy.close());
  const http2Proxy = http2 === undefined ? undefined : await openProxy(http2);
  if (http2Proxy !== undefined) suite.onClose(() => http2Proxy.close());
  const over = http2Proxy === undefined ? [] : ['--http2', http2Proxy.address];
  const program = suite.startNode('load', 'e2e/spire/load.js', ['--server', proxy.address, '--peer', peer, ...over], {
    as: await suite.world.as(as),
    onLine: (line) => {
      const event = { ...JSON.parse(line), seenAt: performance.now() };
      events.push(event);
      onEvent?.(event);
      for (const listener of listeners) listener(event);
    },
  });

  /** @type {Load['event']} */
  const event = (test, { timeout, what, from = 0 }) =>
    new Promise((resolve, reject) => {
      const past = events.slice(from).find(test);
      if (past !== undefined) return resolve(past);
      /** @param {() => void} done */
      const settle = (done) => {
        clearTimeout(timer);
        listeners.delete(listener);
        done();
      };
      /** @param {LoadEvent} next */
      const listener = (next) => {
        if (test(next)) settle(() => resolve(next));
      };
      const last = () => JSON.stringify(events.filter((past) => past.event !== 'failure').at(-1));
      const timer = setTimeout(
        () => settle(() => reject(new Error(`the load saw no ${what} within ${timeout} ms; last: ${last()}`))),
        timeout,
      );
      listeners.add(listener);
      void program.exited.then(({ code, signal }) =>
        settle(() => reject(new Error(`the load ended with ${signal ?? code} before its ${what}: ${program.stderr().trim()}`))),
      );
    });

  await event((next) => next.event === 'ready', { timeout: 60_000, what: 'first calls' });
  return {
    proxy,
    program,
    ...(http2Proxy === undefined ? {} : { http2Proxy }),
    seen: () => events,
    mark: () => events.length,
    event,
    runFor: async (seconds, { end = true } = {}) => {
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      const from = events.length;
      program.write(end ? 'end' : 'report');
      const result = await event((next) => next.event === 'result', { timeout: 30_000, what: 'result', from });
      const connections = proxy.total() + (http2Proxy?.total() ?? 0);
      if (end) await program.exited;
      const failures = events.filter((past) => past.event === 'failure');
      return {
        calls: result.calls,
        byProtocol: { http1: result.posts, http2: result.http2, grpc: result.grpc },
        failures: result.failures,
        failureCodes: failures.map((failure) => failure.code),
        failureTimes: failures.map((failure) => failure.at),
        failureTexts: failures
          .slice(0, 5)
          .map((failure) => `${failure.protocol} at ${failure.at.toFixed(1)} s: ${failure.code} ${failure.message}`),
        ownRotations: result.ownRotations,
        peerRotations: result.peerRotations,
        peerAuthorities: result.peerAuthorities,
        summary: `${result.calls} calls (${result.posts} POSTs, ${result.afterPause} of them after a pause of 1 s or more, ${result.grpc} gRPC${http2 === undefined ? '' : `, ${result.http2} HTTP/2`}), ${result.failures} failed, ${connections} connections, ${result.at.toFixed(0)} s`,
      };
    },
  };
}
