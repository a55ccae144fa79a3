// The echo pair under its load, with three who look on: `ephemos watch`, an observer that calls on a new connection again and again, and a peer that never
// rotates. What they see of a change of authority in, one row of figures out.
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { ids } from '../echo-pair.js';
import { openLoad } from '../load-run.js';

/** @typedef {Record<string, unknown> & { event: string, time: number }} Event */

/**
 * @typedef {object} Log the events of one program, in order
 * @property {() => readonly Event[]} all
 * @property {() => number} mark
 * @property {(test: (event: Event) => boolean, options: { timeout: number, what: string, from?: number }) => Promise<Event>} event
 * @property {import('../process.js').Program} program
 */

export const staleId = 'spiffe://example.org/stale';

/**
 * Starts a program that prints one JSON object per line.
 * @param {(onLine: (line: string) => void) => import('../process.js').Program} start
 * @returns {Log}
 */
function follow(start) {
  /** @type {Event[]} */
  const events = [];
  /** @type {Set<(event: Event) => void>} */
  const listeners = new Set();
  const program = start((line) => {
    if (!line.startsWith('{')) return;
    const parsed = JSON.parse(line);
    const event = { ...parsed, time: typeof parsed.time === 'number' ? parsed.time : Date.parse(parsed.time) };
    events.push(event);
    for (const listener of listeners) listener(event);
  });
  return {
    all: () => events,
    mark: () => events.length,
    program,
    event: (test, { timeout, what, from = 0 }) =>
      new Promise((resolve, reject) => {
        const past = events.slice(from).find(test);
        if (past !== undefined) return resolve(past);
        /** @param {() => void} done */
        const settle = (done) => {
          clearTimeout(timer);
          listeners.delete(listener);
          done();
        };
        /** @param {Event} next */
        const listener = (next) => {
          if (test(next)) settle(() => resolve(next));
        };
        const last = () => JSON.stringify(events.at(-1));
        const timer = setTimeout(
          () => settle(() => reject(new Error(`${program.name} saw no ${what} within ${timeout} ms; last: ${last()}`))),
          timeout,
        );
        listeners.add(listener);
        void program.exited.then(({ code, signal }) =>
          settle(() => reject(new Error(`${program.name} ended with ${signal ?? code} before its ${what}: ${program.stderr().trim()}`))),
        );
      }),
  };
}

/**
 * @typedef {object} Scene
 * @property {Log} server
 * @property {Log} observer
 * @property {Log} watch
 * @property {Log} stale
 * @property {import('../load-run.js').Load} load
 * @property {() => Promise<Figures>} end
 */

/**
 * @typedef {object} Figures
 * @property {number} calls of the load
 * @property {number} failures of the load
 * @property {number} handshakes calls of the observer, each on a new connection
 * @property {number} failedHandshakes
 * @property {number} longestGap between two handshakes that succeeded, in ms
 * @property {number} lostFor from the first failure to the last of either, in ms
 * @property {number} lastFailureAt milliseconds since 1970; 0 when nothing failed
 * @property {readonly string[]} codes
 * @property {readonly number[]} chains lengths that peers presented
 */

/**
 * @param {{ suite: import('../suite.js').Suite, registerForLong: (spiffeId: string) => Promise<void> }} options
 * @returns {Promise<Scene>}
 */
export async function openScene({ suite, registerForLong }) {
  const { world } = suite;
  for (const id of [ids.server, ids.client]) await world.register(id);
  await registerForLong(staleId);
  const config = suite.write(
    'echo-server.yaml',
    `service: { name: echo-server, domain: example.org, authorized_clients: [${ids.client}, ${staleId}] }
listen: { address: "127.0.0.1:0" }
health: { address: "127.0.0.1:0" }
metrics: { address: "127.0.0.1:0" }
`,
  );
  const as = async (/** @type {string} */ id) => world.as(id);
  const asServer = await as(ids.server);
  const asClient = await as(ids.client);
  const asStale = await as(staleId);
  const server = follow((onLine) =>
    suite.startNode('echo-server', 'examples/echo/dist/echo-server.js', ['serve'], {
      as: asServer,
      env: { EPHEMOS_CONFIG_PATH: config },
      onLine,
    }),
  );
  const listening = await server.event(({ msg }) => msg === 'listening', { timeout: 30_000, what: 'listening line' });
  const address = String(listening['listen']);
  const load = await openLoad({ suite, as: ids.client, server: address, peer: ids.server });
  const watch = follow((onLine) =>
    suite.startNode('watch', 'packages/cli/dist/main.js', ['watch', '--format', 'json'], { as: asClient, onLine }),
  );
  const words = ['--server', address, '--peer', ids.server, '--stale', staleId];
  const here = 'e2e/spire/authorities';
  const observer = follow((onLine) => suite.startNode('observer', join(here, 'observer.js'), words, { as: asClient, onLine }));
  const stale = follow((onLine) => suite.startNode('stale', join(here, 'stale.js'), ['--server', address], { as: asStale, onLine }));
  const ready = (/** @type {Event} */ { event }) => event === 'ready';
  await watch.event(({ event }) => event === 'bundle-added', { timeout: 30_000, what: 'bundle' });
  await observer.event(ready, { timeout: 30_000, what: 'first call' });
  const { address: staleAddress } = await stale.event(ready, { timeout: 30_000, what: 'first call' });
  observer.program.write(`stale ${staleAddress}`);
  await observer.event(({ event }) => event.startsWith('stale-'), { timeout: 10_000, what: 'connection to the peer that never rotates' });
  assert.ok(
    observer.all().some(({ event }) => event === 'stale-connected'),
    `not connected: ${JSON.stringify(observer.all().at(-1))}`,
  );

  return {
    server,
    observer,
    watch,
    stale,
    load,
    end: async () => {
      observer.program.write('report');
      const fresh = await observer.event(({ event }) => event === 'report', { timeout: 10_000, what: 'report' });
      const result = await load.runFor(0);
      const failedAt = Array.isArray(fresh['failedAt']) ? fresh['failedAt'].map(Number) : [];
      const codes = typeof fresh['codes'] === 'object' ? Object.keys(fresh['codes'] ?? {}) : [];
      // The load counts its seconds from its own start; here is when its last line came.
      const loadFailedAt = load.seen().flatMap((each) => (each.event === 'failure' ? [Date.now() - performance.now() + each.seenAt] : []));
      const spans = [failedAt, loadFailedAt].map((times) => (times.length === 0 ? 0 : Math.max(...times) - Math.min(...times)));
      const presented = observer.all().filter(({ event }) => event === 'peer');
      return {
        calls: result.calls,
        failures: result.failures,
        handshakes: Number(fresh['calls']),
        failedHandshakes: Number(fresh['failures']),
        longestGap: Number(fresh['longestGap']),
        lastFailureAt: Math.max(0, ...failedAt, ...loadFailedAt),
        lostFor: Math.round(Math.max(...spans)),
        codes: [...new Set([...codes, ...result.failureCodes])].sort(),
        chains: [...new Set(presented.map(({ chain }) => Number(chain)))],
      };
    },
  };
}
