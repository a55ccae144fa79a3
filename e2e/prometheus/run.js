// `npm run test:prometheus`: promtool's own opinion of a real scrape. Finds promtool (EPHEMOS_PROMTOOL, PATH, the cache) or takes it out of the
// Debian package, without installing that; where neither works it says what to do, and fails.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cache = join(process.env['EPHEMOS_CACHE_DIR'] ?? join(homedir(), '.cache', 'ephemos'), 'promtool');

function find() {
  const own = process.env['EPHEMOS_PROMTOOL'];
  if (own !== undefined && own !== '') return own;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...folders.map((folder) => join(folder, 'promtool')), join(cache, 'usr', 'bin', 'promtool')].find((file) => existsSync(file));
}

function extract() {
  const tools = ['apt-get', 'dpkg-deb'].every((tool) => spawnSync(tool, ['--version']).status === 0);
  if (!tools) return undefined;
  mkdirSync(join(cache, '..'), { recursive: true });
  const work = mkdtempSync(join(cache, '..', 'promtool-'));
  try {
    console.log('prometheus: taking promtool out of its Debian package ...');
    execFileSync('apt-get', ['download', 'prometheus'], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
    const [archive = ''] = readdirSync(work).filter((name) => name.endsWith('.deb'));
    execFileSync('dpkg-deb', ['-x', archive, 'out'], { cwd: work });
    rmSync(cache, { recursive: true, force: true });
    renameSync(join(work, 'out'), cache);
    return find();
  } catch (error) {
    console.error(`prometheus: ${error instanceof Error ? error.message : error}`);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const promtool = find() ?? extract();
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
