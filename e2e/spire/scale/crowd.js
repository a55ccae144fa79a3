// Processes of simulated workloads, and how they are asked: an order to all or to one, their answers together.
import { join } from 'node:path';
import { checkout } from '../room.js';

/**
 * @typedef {object} State
 * @property {number} sources
 * @property {number} ready that have an SVID which is valid
 * @property {number} connected whose stream stands
 * @property {number} rotatedSinceMark that had a new SVID since the mark
 * @property {number} rotations all of them since the beginning
 * @property {number} errors failed attempts and refused messages since the mark
 * @property {number} strangers rotations that brought another identity
 * @property {number} cpu seconds
 */

/** @typedef {{ firsts: number[], rotatedAt: number[], left: number[] }} Arrivals */
/** @typedef {{ rss: number, heap: number, files: number }} Measured in MiB, after garbage was collected */
/** @typedef {{ seconds: number, rotations: number, cpu: number, wakeUps: number }} Spent CPU in seconds, wake-ups of the main thread */

/**
 * @typedef {object} Process
 * @property {(count: number) => Promise<number[]>} open so many sources at once, as its own user; milliseconds that each took
 * @property {(uids: readonly number[]) => Promise<number[]>} openAsUsers one after the other
 * @property {() => Promise<void>} mark
 * @property {() => Promise<State>} state
 * @property {() => Promise<Arrivals>} arrivals
 * @property {() => Promise<Measured>} measure
 * @property {(options: { rotations?: number, seconds?: number }) => Promise<Spent>} spend what it spends until so much has come or is over
 * @property {(names: readonly string[]) => Promise<(number | null)[]>} firstSvid
 * @property {() => Promise<void>} stop
 */

const script = join(checkout, 'e2e/spire/scale/workloads.js');
let started = 0;

/**
 * @param {object} options
 * @param {import('../room.js').SpireRoom} options.room
 * @param {string} options.endpoint
 * @param {number} [options.uid] root without it
 * @returns {Process}
 */
export function startProcess({ room, endpoint, uid }) {
  started += 1;
  let last = 0;
  /** @type {Map<number, { resolve: (value: unknown) => void, reject: (error: Error) => void }>} */
  const waiting = new Map();
  const name = `workloads-${started}`;
  const program = room.programs.start(name, room.reach.node, ['--expose-gc', room.reach.file(script)], {
    cwd: room.folder,
    env: { ...process.env, HOME: room.folder, SPIFFE_ENDPOINT_SOCKET: endpoint },
    ...(uid === undefined ? {} : { uid, gid: uid }),
    onLine: (line) => {
      /** @type {{ id: number, result?: unknown, error?: string }} */
      const { id, result, error } = JSON.parse(line);
      const asked = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) asked?.resolve(result);
      else asked?.reject(new Error(`${name}: ${error}`));
    },
  });
  void program.exited.then(({ code, signal }) => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended with ${signal ?? code}: ${program.stderr().slice(-300)}`));
  });
  /** @type {(what: string, more?: object) => Promise<any>} */
  const ask = (what, more = {}) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      if (!program.running()) reject(new Error(`${name} has ended: ${program.stderr().slice(-300)}`));
      program.write(JSON.stringify({ id: last, what, ...more }));
    });
  return {
    open: async (count) => (await ask('open', { count })).ms,
    openAsUsers: async (uids) => (await ask('openAsUsers', { uids })).ms,
    mark: async () => {
      await ask('mark');
    },
    state: () => ask('state'),
    arrivals: () => ask('arrivals'),
    measure: () => ask('measure'),
    spend: (options) => ask('spend', options),
    firstSvid: async (names) => (await ask('firstSvid', { names })).at,
    stop: async () => {
      await program.stop({ signal: 'SIGKILL' });
    },
  };
}

/**
 * What all of them say, added up.
 * @param {readonly Process[]} crowd
 * @returns {Promise<State>}
 */
export async function stateOf(crowd) {
  const states = await Promise.all(crowd.map((each) => each.state()));
  const sum = (/** @type {(state: State) => number} */ of) => states.reduce((total, state) => total + of(state), 0);
  return {
    sources: sum(({ sources }) => sources),
    ready: sum(({ ready }) => ready),
    connected: sum(({ connected }) => connected),
    rotatedSinceMark: sum(({ rotatedSinceMark }) => rotatedSinceMark),
    rotations: sum(({ rotations }) => rotations),
    errors: sum(({ errors }) => errors),
    strangers: sum(({ strangers }) => strangers),
    cpu: sum(({ cpu }) => cpu),
  };
}

/**
 * @param {readonly Process[]} crowd
 * @returns {Promise<Arrivals>}
 */
export async function arrivalsOf(crowd) {
  const all = await Promise.all(crowd.map((each) => each.arrivals()));
  return {
    firsts: all.flatMap(({ firsts }) => firsts),
    rotatedAt: all.flatMap(({ rotatedAt }) => rotatedAt),
    left: all.flatMap(({ left }) => left),
  };
}
