// What importing costs: `ephemos` beside its heaviest dependency alone, whole processes, the empty process taken off.
import { spawnSync } from 'node:child_process';
import { median } from './lib/statistics.js';

const modules = { nothing: undefined, ephemos: 'ephemos', dependency: '@connectrpc/connect-node' };

export async function benchImport({ rounds, report }) {
  const times = Object.fromEntries(Object.keys(modules).map((name) => [name, []]));
  for (let round = -1; round < rounds * 3; round++) {
    for (const [name, specifier] of Object.entries(modules)) {
      const time = timeImport(specifier);
      if (round >= 0) times[name].push(time);
    }
  }
  const cost = (name) => median(times[name]) - median(times.nothing);
  report({
    name: "import 'ephemos' / import '@connectrpc/connect-node'",
    unit: 'ms',
    ours: cost('ephemos'),
    stock: cost('dependency'),
    ratio: cost('ephemos') / cost('dependency'),
    target: { most: 1.5 },
  });
}

function timeImport(specifier) {
  const startedAt = performance.now();
  const { status } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', specifier === undefined ? '' : `await import(${JSON.stringify(specifier)})`],
    {
      cwd: new URL('../packages/ephemos/', import.meta.url),
    },
  );
  if (status !== 0) throw new Error(`importing ${specifier} failed`);
  return performance.now() - startedAt;
}
