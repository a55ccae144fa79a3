// `npm run test:image`: deploy/docker/Dockerfile built by buildah and run by podman, as hardened as a cluster runs it. `-- --short` leaves out what
// builds once more; `-- --install` installs what is missing with apt-get. Needs root on Linux. Nothing stays behind but the caches.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cacheFolder } from '../../scripts/lib/programs.js';
import { removeMemoryGroups } from './cgroup.js';
import { runApart } from './namespace.js';
import { foldersUnderUsr, install, missing } from './programs.js';

/** The Node.js that the default base has. */
const NODE_MAJOR = '24';
const usage = 'usage: npm run test:image [-- --short] [-- --install]';
const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

process.exitCode = await main();

async function main() {
  const values = readWords();
  if (values === undefined) return refuse('there is no such option', usage, 2);
  if (process.platform !== 'linux') return refuse('containers need Linux', 'run it on Linux');
  if (process.getuid?.() !== 0) return refuse('mounts and control groups need root', 'run it as root');
  if (values.install && missing().length > 0) install();
  const under = foldersUnderUsr((line) => console.log(line));
  if (under === undefined) return refuse(`missing here: ${missing().join(', ')}`, `install these packages; ${usage}`);
  const versions = fileURLToPath(new URL('../../scripts/node-versions.js', import.meta.url));
  const node = join(execFileSync(process.execPath, [versions, NODE_MAJOR], { encoding: 'utf8' }).trim(), 'node');
  return runSuite({ under, node, short: values.short });
}

/** @param {{ under: readonly string[], node: string, short: boolean }} options */
async function runSuite({ under, node, short }) {
  const store = mkdtempSync(join(tmpdir(), 'eph-image-'));
  const npm = join(cacheFolder(), 'image-npm');
  mkdirSync(npm, { recursive: true });
  let ended = 0;
  try {
    await removeMemoryGroups();
    const inside = fileURLToPath(new URL('./inside.js', import.meta.url));
    const suite = runApart({ store, npm, under }, [process.execPath, inside, JSON.stringify({ store, node, short, run: process.pid })]);
    for (const [signal, code] of Object.entries(signals)) {
      process.once(signal, () => {
        ended = code;
        suite.kill();
      });
    }
    const code = await suite.ended;
    return ended === 0 ? code : ended;
  } finally {
    await removeMemoryGroups();
    rmSync(store, { recursive: true, force: true });
  }
}

function readWords() {
  try {
    return parseArgs({ options: { short: { type: 'boolean', default: false }, install: { type: 'boolean', default: false } } }).values;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} problem
 * @param {string} hint
 */
function refuse(problem, hint, code = 1) {
  process.stderr.write(`error: ${problem}\nhint: ${hint}\n`);
  return code;
}
