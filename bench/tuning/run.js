// `node bench/tuning/run.js [--short] [--write] [PART...]`: the figures of docs/tuning.md, measured on this machine. --write puts them into results.json
// and, from there, into the page. What needs control groups is left out where there are none (no Linux, no root), and said.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { measureClients } from './clients.js';
import { removeLeftGroups, whyNoGroups } from './control-group.js';
import { measureCpuLimit } from './cpu-limit.js';
import { measureHeap } from './heap.js';
import { measureKeepalive } from './keepalive.js';
import { measureProcesses } from './processes.js';
import { sections, writePage } from './render.js';
import { measureThreadpool } from './threadpool.js';

const parts = {
  heap: measureHeap,
  threadpool: measureThreadpool,
  cpu: measureCpuLimit,
  clients: measureClients,
  keepalive: measureKeepalive,
  processes: measureProcesses,
};

const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`error: there is no part ${unknown.join(', ')}\nhint: there are ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const chosen = positionals.length > 0 ? positionals : Object.keys(parts);
const file = new URL('./results.json', import.meta.url);
const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).parts : {};
if (whyNoGroups() === undefined) await removeLeftGroups();

for (const name of chosen) {
  const busyBefore = await busyPercent();
  const startedAt = performance.now();
  known[name] = { ...(await parts[name](values)), busyBefore };
  console.log(
    `\n${name}, ${((performance.now() - startedAt) / 1000).toFixed(0)} s, others took ${busyBefore} % of the machine before it\n\n${sections[name](known[name])}`,
  );
}
if (values.write) {
  const machine = { cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30) };
  const form = values.short ? 'short' : 'full';
  writeFileSync(file, `${JSON.stringify({ node: process.version, machine, form, parts: known }, null, 2)}\n`);
  writePage();
}

/** What else runs on this machine, as a part of all CPUs, in the second before a part begins. */
async function busyPercent() {
  const sum = () =>
    cpus().reduce(
      (total, { times }) => ({ idle: total.idle + times.idle, all: total.all + Object.values(times).reduce((a, b) => a + b) }),
      { idle: 0, all: 0 },
    );
  const before = sum();
  await delay(1_000);
  const after = sum();
  return Math.round((1 - (after.idle - before.idle) / (after.all - before.all)) * 100);
}
