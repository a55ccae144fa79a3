// A memory limit in; a control group of that limit that a program can be started in, and what became of it out. Version 1 or 2, as the machine has.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const PREFIX = 'ephemos-image-';
const root = '/sys/fs/cgroup';

/**
 * @typedef {{ path: string, peak: () => number, killed: () => number, remove: () => Promise<void> }} MemoryGroup
 * `peak` in MiB since it was made, `killed` the processes that the kernel had to end
 */

/** The folder in which groups can be made, by version. */
function place() {
  const own = readFileSync('/proc/self/cgroup', 'utf8');
  const v1 = /^\d+:(?:[\w=,]+,)?memory(?:,[\w=,]+)?:(.*)$/m.exec(own)?.[1];
  if (v1 !== undefined) return { version: 1, folder: [join(root, 'memory', v1), join(root, 'memory')].find(existsSync) ?? root };
  // A group that holds processes cannot have groups with controllers below it, so the nearest one above ours that hands memory on.
  for (let path = join(root, /^0::(.*)$/m.exec(own)?.[1] ?? '/'); path.startsWith(root); path = dirname(path)) {
    const control = join(path, 'cgroup.subtree_control');
    if (existsSync(control) && readFileSync(control, 'utf8').split(/\s/).includes('memory')) return { version: 2, folder: path };
  }
  throw new Error(
    'no control group here hands the memory controller on: run this where systemd does, or write +memory to cgroup.subtree_control',
  );
}

/**
 * @param {string} name begins with the process id of the run
 * @param {number} mebibytes
 * @returns {MemoryGroup}
 */
export function createMemoryGroup(name, mebibytes) {
  const { version, folder } = place();
  const path = join(folder, `${PREFIX}${name}`);
  mkdirSync(path);
  const limit = String(mebibytes * 1024 * 1024);
  /** @param {string} file @param {string} text */
  const write = (file, text) => writeFileSync(join(path, file), text);
  /** @param {string} file */
  const read = (file) => readFileSync(join(path, file), 'utf8');
  write(version === 1 ? 'memory.limit_in_bytes' : 'memory.max', limit);
  // Without swap, or a machine that has it would be slow instead.
  const swap = version === 1 ? ['memory.memsw.limit_in_bytes', limit] : ['memory.swap.max', '0'];
  if (existsSync(join(path, swap[0] ?? ''))) write(swap[0] ?? '', swap[1] ?? '');
  return {
    path,
    peak: () => Number(read(version === 1 ? 'memory.max_usage_in_bytes' : 'memory.peak')) / 1024 / 1024,
    killed: () => Number(/^oom_kill (\d+)$/m.exec(read(version === 1 ? 'memory.oom_control' : 'memory.events'))?.[1] ?? Number.NaN),
    remove: () => removeGroup(path),
  };
}

/** Removes the groups of this run, whose processes are gone or about to go, and those of runs that could not do so themselves. */
export async function removeMemoryGroups() {
  const { folder } = place();
  for (const name of readdirSync(folder).filter((each) => each.startsWith(PREFIX))) {
    const run = Number.parseInt(name.slice(PREFIX.length), 10);
    if (run === process.pid || !existsSync(`/proc/${run}`)) await removeGroup(join(folder, name));
  }
}

/** @param {string} path */
async function removeGroup(path) {
  for (let turn = 0; existsSync(path); turn++) {
    try {
      return rmdirSync(path);
    } catch (error) {
      if (turn === 100) throw error;
      await setTimeout(100);
    }
  }
}
