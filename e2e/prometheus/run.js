// `npm run test:prometheus`: promtool's own opinion of a real scrape. Finds promtool (EPHEMOS_PROMTOOL, PATH) or takes it out of its Debian package
// into the cache; where neither works it says what to do, and fails.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeOut } from '../../scripts/lib/debian.js';
import { foldersOnPath, isExecutable } from '../../scripts/lib/programs.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

function findPromtool() {
  const own = process.env['EPHEMOS_PROMTOOL'];
  if (own !== undefined && own !== '') return own;
  const found = foldersOnPath()
    .map((folder) => join(folder, 'promtool'))
    .find(isExecutable);
  if (found !== undefined) return found;
  const taken = takeOut('prometheus', (line) => console.log(`prometheus: ${line}`));
  return taken === undefined ? undefined : join(taken, 'usr/bin/promtool');
}

const promtool = findPromtool();
if (promtool === undefined) {
  console.error('error: there is no promtool here\nhint: install the package "prometheus" (Debian, Homebrew), or set EPHEMOS_PROMTOOL');
  process.exit(1);
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', 'unit', 'packages/service/test/metrics/promtool.test.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, EPHEMOS_PROMTOOL: promtool },
});
process.exit(status ?? 1);
