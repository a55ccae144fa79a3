// Installs what package-lock.json names and builds what is newer than dist, each only when needed and by one process at a time.
import { join } from 'node:path';
import { build, isBuilt } from './build.js';
import { install, isInstalled } from './install.js';
import { withLock } from './lock.js';
import { secondsSince } from './output.js';
import { root } from './workspace.js';

/** Prints the step, does it, prints its seconds. A step that throws ends setup. */
async function step(name, body) {
  const start = performance.now();
  process.stderr.write(`setup: ${name} ...\n`);
  await body();
  process.stderr.write(`setup: ${name} took ${secondsSince(start)}\n`);
}

/** Makes the checkout `base` ready to run. Safe to call from several processes at once. */
export async function prepare(base = root) {
  if (isInstalled(base) && isBuilt(base)) return;
  const onWait = () => process.stderr.write('setup: waiting for another setup of this checkout ...\n');
  const work = async () => {
    if (!isInstalled(base)) await step('installing packages (npm ci)', () => install(base));
    if (!isBuilt(base)) await step('building (tsc -b)', () => build(base));
  };
  await withLock(join(base, '.setup-lock'), work, { onWait });
}
