// One process of simulated workloads: orders as lines of JSON on standard input, X.509 sources of Ephemos held open, answers as lines of JSON.
// Run as root it takes another effective user for each source it opens one after the other: that is what SPIRE's unix attestor looks at.
import { subscribe } from 'node:diagnostics_channel';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openX509Source } from 'ephemos';
import { createWorkloadApiClient } from 'ephemos/workload-api';
import { ownWakeUps } from './procfs.js';

const timeout = 120_000;
const MiB = 1024 * 1024;

/**
 * @typedef {object} Workload
 * @property {import('ephemos').X509Source} source
 * @property {string} id its first identity
 * @property {import('ephemos/spiffe').X509Svid} svid the one it has
 * @property {number | undefined} since when it had the first new SVID after the mark
 */

/** @type {Workload[]} */
const workloads = [];
/** What happened since the mark. */
const marked = freshMark();
/** Since the process began. */
const total = { rotations: 0 };
/** Called at each of them. @type {() => void} */
let onRotation = () => undefined;

function freshMark() {
  return {
    at: Date.now(),
    errors: 0,
    /** @type {number[]} */
    rotatedAt: [],
    /** @type {number[]} seconds of life that the old SVID had left */
    left: [],
    strangers: 0,
  };
}

subscribe('ephemos:source:error', () => {
  marked.errors += 1;
});

/** @type {Record<string, (order: Order) => Promise<object> | object>} */
const does = { open, openAsUsers, mark, state, measure, spend, firstSvid, arrivals };

/**
 * @typedef {object} Order
 * @property {number} id
 * @property {string} what
 * @property {number} [count]
 * @property {readonly number[]} [uids]
 * @property {number} [seconds]
 * @property {number} [rotations]
 * @property {readonly string[]} [names]
 */

for await (const line of createInterface({ input: process.stdin })) {
  if (line === '') continue;
  /** @type {Order} */
  const order = JSON.parse(line);
  void answer(order);
}
process.exit(0); // Whoever started us is gone.

/** @param {Order} order */
async function answer(order) {
  try {
    const act = does[order.what];
    if (act === undefined) throw new Error(`nothing is called ${order.what}`);
    say({ id: order.id, result: await act(order) });
  } catch (error) {
    say({ id: order.id, error: error instanceof Error ? error.message : String(error) });
  }
}

/** @param {object} value */
function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** All at once, as this user: how long each took, in milliseconds. @param {Order} order */
async function open({ count = 1 }) {
  return { ms: await Promise.all(Array.from({ length: count }, openOne)) };
}

/** One after the other, each as another user. @param {Order} order */
async function openAsUsers({ uids = [] }) {
  const ms = [];
  for (const uid of uids) {
    process.seteuid?.(uid);
    try {
      ms.push(await openOne());
    } finally {
      process.seteuid?.(0);
    }
  }
  return { ms };
}

async function openOne() {
  const begin = performance.now();
  const source = await openX509Source({ timeout, onWaiting: () => undefined });
  const ms = performance.now() - begin;
  const { svid } = source;
  /** @type {Workload} */
  const workload = { source, id: svid.id.toString(), svid, since: undefined };
  workloads.push(workload);
  source.subscribe(() => follow(workload));
  return ms;
}

/** @param {Workload} workload */
function follow(workload) {
  if (workload.source.health.state !== 'ready') return;
  const next = workload.source.svid;
  const { svid: old } = workload;
  if (next.notAfter === old.notAfter) return; // Only the bundle changed.
  const now = Date.now();
  workload.svid = next;
  workload.since ??= now;
  total.rotations += 1;
  marked.rotatedAt.push(now);
  marked.left.push((old.notAfter - now) / 1000);
  if (next.id.toString() !== workload.id) marked.strangers += 1;
  onRotation();
}

function mark() {
  Object.assign(marked, freshMark());
  for (const workload of workloads) workload.since = undefined;
  return {};
}

function state() {
  const { user, system } = process.cpuUsage();
  const states = workloads.map(({ source }) => source.health);
  return {
    sources: workloads.length,
    ready: states.filter(({ state: is }) => is === 'ready').length,
    connected: states.filter(({ connected }) => connected).length,
    rotatedSinceMark: workloads.filter(({ since }) => since !== undefined).length,
    rotations: total.rotations,
    errors: marked.errors,
    strangers: marked.strangers,
    cpu: (user + system) / 1e6,
  };
}

/** What `state` counts, one by one. */
function arrivals() {
  const firsts = workloads.flatMap(({ since }) => (since === undefined ? [] : [since]));
  return { firsts, rotatedAt: marked.rotatedAt, left: marked.left };
}

function measure() {
  // Twice: what the first finds unreachable only through finalizers goes with the second.
  for (let times = 0; times < 2; times += 1) globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss: rss / MiB, heap: (heapUsed + external) / MiB, files: readdirSync('/proc/self/fd').length };
}

/** What this process spends until so many rotations have come, or so many seconds are over. Nobody asks it anything meanwhile. @param {Order} order */
async function spend({ rotations: wanted, seconds = timeout / 1000 }) {
  const [begin, first, cpu, wakeUps] = [performance.now(), total.rotations, process.cpuUsage(), ownWakeUps()];
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    onRotation = () => {
      if (wanted === undefined || total.rotations - first < wanted) return;
      clearTimeout(timer);
      resolve(undefined);
    };
  });
  const { user, system } = process.cpuUsage(cpu);
  return {
    seconds: (performance.now() - begin) / 1000,
    rotations: total.rotations - first,
    cpu: (user + system) / 1e6,
    wakeUps: ownWakeUps() - wakeUps,
  };
}

/**
 * When each of these SPIFFE IDs first arrives on one stream that is open all the time: SPIRE's part of the way, nothing asked twice. Epoch milliseconds.
 * @param {Order} order
 */
async function firstSvid({ names = [] }) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  const client = createWorkloadApiClient();
  try {
    for await (const event of client.watchX509Contexts({ signal: AbortSignal.timeout(timeout) })) {
      if (event.type !== 'update') continue;
      const now = Date.now();
      for (const { id } of event.value.svids) if (!seen.has(id.toString())) seen.set(id.toString(), now);
      if (names.every((name) => seen.has(name))) break;
    }
  } finally {
    await client.close();
  }
  return { at: names.map((name) => seen.get(name) ?? null) };
}
