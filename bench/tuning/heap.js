// What V8 takes for its bound, by flag and by memory limit; what Node takes for the number of CPUs, by CPU limit.
import { spawn } from 'node:child_process';
import { createGroup, whyNoGroups } from './control-group.js';

const FLAGS = ['', '--max-old-space-size=160', '--max-old-space-size=160 --max-semi-space-size=16'];
const program = `console.log(JSON.stringify({
  heap: Math.round(require('v8').getHeapStatistics().heap_size_limit / 1048576),
  cpus: require('os').availableParallelism(),
}))`;

export async function measureHeap() {
  const why = whyNoGroups();
  const rows = [];
  for (const flags of FLAGS)
    for (const memory of [undefined, 256]) {
      if (memory !== undefined && why !== undefined) continue;
      rows.push({ flags, limitMiB: memory ?? null, heapMiB: (await ask({ flags, memory })).heap });
    }
  const cpus = why === undefined ? { limit: 0.5, seen: (await ask({ flags: '', cpu: 0.5 })).cpus } : null;
  return { rows, cpus, skipped: why ?? null };
}

async function ask({ flags, memory, cpu }) {
  const env = { ...process.env, NODE_OPTIONS: flags };
  const options = { env, stdio: ['ignore', 'pipe', 'inherit'] };
  const group = memory === undefined && cpu === undefined ? undefined : createGroup({ memory, cpu });
  try {
    const child =
      group === undefined ? spawn(process.execPath, ['-e', program], options) : group.spawn(process.execPath, ['-e', program], options);
    let text = '';
    for await (const chunk of child.stdout) text += chunk;
    return JSON.parse(text);
  } finally {
    await group?.remove();
  }
}
