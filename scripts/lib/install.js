// Turns package-lock.json into node_modules, and knows whether that has been done.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { npmCommand, run } from './command.js';
import { head } from './output.js';
import { readJson } from './workspace.js';

function stampPath(base) {
  return join(base, 'node_modules/.ephemos/installed');
}

function fingerprint(base) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  return hash.update(readFileSync(join(base, 'package-lock.json'))).digest('hex');
}

/** True when npm's own record of node_modules says what the lock file says, as after a developer's `npm install`. */
function matchesLock(base) {
  const recordPath = join(base, 'node_modules/.package-lock.json');
  if (!existsSync(recordPath)) return false;
  const record = readJson(recordPath).packages;
  const wanted = Object.entries(readJson(join(base, 'package-lock.json')).packages).filter(([path]) => path !== '');
  return (
    Object.keys(record).every((path) => wanted.some(([other]) => other === path)) &&
    wanted.every(([path, { version, integrity, optional, devOptional }]) => {
      const found = record[path];
      if (found === undefined) return optional === true || devOptional === true;
      return found.version === version && found.integrity === integrity && existsSync(join(base, path));
    })
  );
}

function stamp(base) {
  mkdirSync(dirname(stampPath(base)), { recursive: true });
  writeFileSync(stampPath(base), fingerprint(base));
}

/** True when node_modules holds what package-lock.json names, for this platform. */
export function isInstalled(base) {
  const path = stampPath(base);
  if (existsSync(path) && readFileSync(path, 'utf8') === fingerprint(base)) return true;
  if (!matchesLock(base)) return false;
  stamp(base);
  return true;
}

/** Runs `npm ci`. Install scripts are not needed by anything in the lock file and are not run. */
export async function install(base) {
  rmSync(dirname(stampPath(base)), { recursive: true, force: true });
  const [file, ...args] = npmCommand();
  const flags = ['--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, output } = await run(file, [...args, 'ci', ...flags], { cwd: base });
  if (code !== 0) throw new Error(`npm ci failed (${code})\n${head(output)}`);
  stamp(base);
}
