// Limits of CPU and memory in, a control group with them out, as a container gets one: version 1 or 2, as the machine has. Linux, root.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const root = '/sys/fs/cgroup';
const PREFIX = 'ephemos-tuning-';
const PERIOD_US = 100_000;

/** Why no group can be made here, or undefined. */
export function whyNoGroups() {
  if (process.platform !== 'linux') return 'control groups are Linux';
  if (process.getuid() !== 0) return 'a control group needs root';
  try {
    folderOf('cpu');
    folderOf('memory');
    return undefined;
  } catch (error) {
    return error.message;
  }
}

/** The folder below which groups of a controller can be made. */
function folderOf(controller) {
  const own = readFileSync('/proc/self/cgroup', 'utf8');
  const v1 = new RegExp(`^\\d+:(?:[\\w=,]+,)?${controller}(?:,[\\w=,]+)?:(.*)$`, 'm').exec(own)?.[1];
  if (v1 !== undefined) return { version: 1, folder: [join(root, controller, v1), join(root, controller)].find(existsSync) };
  for (let path = join(root, /^0::(.*)$/m.exec(own)?.[1] ?? '/'); path.startsWith(root); path = dirname(path)) {
    const control = join(path, 'cgroup.subtree_control');
    if (existsSync(control) && readFileSync(control, 'utf8').split(/\s/).includes(controller)) return { version: 2, folder: path };
  }
  throw new Error(`no control group here hands the ${controller} controller on`);
}

/** Makes groups for `cpu` (in CPUs, as a container has them) and `memory` (in MiB); a limit that is left out is none. */
export function createGroup({ cpu, memory }) {
  const folders = new Map();
  const make = (controller) => {
    const { version, folder } = folderOf(controller);
    const path = join(folder, `${PREFIX}${process.pid}`);
    if (!existsSync(path)) mkdirSync(path);
    folders.set(controller, path);
    return { version, write: (file, text) => writeFileSync(join(path, file), String(text)) };
  };
  if (cpu !== undefined) {
    const { version, write } = make('cpu');
    const quota = Math.round(cpu * PERIOD_US);
    if (version === 1) {
      write('cpu.cfs_period_us', PERIOD_US);
      write('cpu.cfs_quota_us', quota);
    } else write('cpu.max', `${quota} ${PERIOD_US}`);
  }
  if (memory !== undefined) {
    const { version, write } = make('memory');
    write(version === 1 ? 'memory.limit_in_bytes' : 'memory.max', memory * 1024 * 1024);
  }
  const paths = [...new Set(folders.values())];
  return {
    add(pid) {
      for (const path of paths) writeFileSync(join(path, 'cgroup.procs'), String(pid));
    },
    /** Starts a program that is in the group from its first instruction on. */
    spawn(command, args, options) {
      const script = `${paths.map((path) => `echo 0 > '${path}/cgroup.procs'`).join(' && ')} && exec "$@"`;
      return spawn('/bin/sh', ['-c', script, 'sh', command, ...args], options);
    },
    async remove() {
      for (const path of paths) await removeGroup(path);
    },
  };
}

/** Removes the groups that runs left behind which could not do so themselves. */
export async function removeLeftGroups() {
  for (const controller of ['cpu', 'memory']) {
    const { folder } = folderOf(controller);
    for (const name of readdirSync(folder).filter((each) => each.startsWith(PREFIX)))
      if (!existsSync(`/proc/${name.slice(PREFIX.length)}`)) await removeGroup(join(folder, name));
  }
}

async function removeGroup(path) {
  for (let turn = 0; existsSync(path); turn++) {
    try {
      return rmdirSync(path);
    } catch (error) {
      if (turn === 100) throw error;
      await delay(100);
    }
  }
}
