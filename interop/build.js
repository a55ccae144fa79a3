// Turns the Go sources of the peer into a program in the cache folder, once for each state of the sources.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGo, findGo } from '../e2e/spire/go.js';
import { lock } from '../e2e/spire/go-programs.js';
import { onExit } from '../e2e/spire/process.js';
import { cacheFolder } from '../scripts/lib/programs.js';

/** As go/go.mod says. */
const neededGo = '1.25.0';
const sources = fileURLToPath(new URL('./go', import.meta.url));

/** @param {string} version of Go */
function sourceHash(version) {
  const hash = createHash('sha256').update(version);
  const files = readdirSync(sources, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.go$|^go\.(mod|sum)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) hash.update(`\0${file.slice(sources.length)}\0`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

/**
 * Builds the peer where it was not built before. Throws an Error of one line that says what to install when there is no Go.
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<{ file: string, built: number | undefined }>} the program, and the seconds its build took
 */
export async function buildPeer({ log }) {
  const go = await findGo(neededGo);
  if (typeof go === 'string') throw new Error(`${go} to build the go-spiffe peer with: install Go ${neededGo} or newer`);
  const target = join(cacheFolder(), `interop-${sourceHash(go.version)}`);
  const file = join(target, 'interop');
  if (existsSync(file)) return { file, built: undefined };
  mkdirSync(dirname(target), { recursive: true });
  const unlock = await lock(`${target}.lock`, log);
  const folder = mkdtempSync(join(dirname(target), '.building-'));
  const forget = onExit(() => rmSync(folder, { recursive: true, force: true }));
  try {
    if (existsSync(file)) return { file, built: undefined }; // Another build finished while we waited.
    const begin = performance.now();
    cpSync(sources, join(folder, 'go'), { recursive: true });
    const tools = createGo({ command: go.command, folder: join(folder, 'go'), log: (line) => log(`go-spiffe peer: ${line}`) });
    await tools.build('compiling', { packages: ['.'], bin: join(folder, 'bin'), cgo: false, mod: 'readonly' });
    rmSync(target, { recursive: true, force: true });
    renameSync(join(folder, 'bin'), target);
    return { file, built: (performance.now() - begin) / 1000 };
  } finally {
    forget();
    rmSync(folder, { recursive: true, force: true });
    unlock();
  }
}
