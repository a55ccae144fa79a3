// What the Linux kernel says of a process: CPU seconds, resident memory, open files and voluntary switches of its main thread, out of /proc.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { SetupError } from '../room.js';

/** In MiB and seconds. */
const pageMiB = 4096 / 1024 / 1024;
/** USER_HZ, which is 100 on every architecture that Node.js runs on. */
const ticks = 100;

/**
 * @typedef {object} Usage
 * @property {number} cpu seconds since the process began, all threads
 * @property {number} rss MiB
 * @property {number} files
 */

/** Throws a SetupError where there is no /proc to read. */
export function demandProc() {
  if (process.platform !== 'linux' || !existsSync('/proc/self/stat')) {
    throw new SetupError('the part `scale` reads CPU, memory and open files out of /proc: it runs on Linux only');
  }
}

/**
 * @param {number | undefined} pid
 * @returns {Usage}
 */
export function usageOf(pid) {
  if (pid === undefined) throw new Error('the process never ran');
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system, rss] = [fields[11], fields[12], fields[21]].map(Number);
  if (user === undefined || system === undefined || rss === undefined) throw new Error(`/proc/${pid}/stat is not as expected`);
  return { cpu: (user + system) / ticks, rss: rss * pageMiB, files: readdirSync(`/proc/${pid}/fd`).length };
}

/**
 * The CPU seconds and memory of a process and all below it, such as a PostgreSQL with its sessions. Memory is counted once per process, shared or not.
 * @param {number | undefined} pid
 * @returns {{ cpu: number }}
 */
export function cpuOfTree(pid) {
  if (pid === undefined) throw new Error('the process never ran');
  /** @type {Map<number, { parent: number, cpu: number }>} */
  const all = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      // With the children that were waited for: a session that ended is counted in its parent.
      const cpu = ((fields[11] ?? 0) + (fields[12] ?? 0) + (fields[13] ?? 0) + (fields[14] ?? 0)) / ticks;
      all.set(Number(name), { parent: fields[1] ?? 0, cpu });
    } catch {
      // It has just ended.
    }
  }
  let cpu = 0;
  for (const [id, { cpu: own }] of all) {
    for (let at = id; at > 1; at = all.get(at)?.parent ?? 0) {
      if (at !== pid) continue;
      cpu += own;
      break;
    }
  }
  return { cpu };
}

/** Voluntary switches of this process's main thread: how often it went to sleep and was woken. */
export function ownWakeUps() {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? Number.NaN);
}

/**
 * How busy the machine is while we do nothing, in percent of all its cores.
 * @param {number} seconds
 */
export async function busyPercent(seconds) {
  const read = () => (/^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '').split(' ').map(Number);
  const before = read();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const spent = read().map((value, index) => value - (before[index] ?? 0));
  const [idle, all] = [(spent[3] ?? 0) + (spent[4] ?? 0), spent.slice(0, 8).reduce((sum, each) => sum + each, 0)];
  return Math.round((1 - idle / all) * 100);
}
