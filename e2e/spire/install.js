// Finds spire-server and spire-agent (SPIRE_BIN_DIR, then PATH, then our cache), or builds the pinned release into the cache with Go.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installGoPrograms, pinnedRelease } from './go-programs.js';

/**
 * @typedef {object} Spire
 * @property {string} server the path of spire-server
 * @property {string} agent the path of spire-agent
 * @property {string} version what `spire-server --version` prints
 * @property {string} from where it was found
 */

const module = 'github.com/spiffe/spire';
/** @type {import('./go-programs.js').Release} */
const release = {
  title: 'SPIRE',
  recipe: fileURLToPath(new URL('./recipe', import.meta.url)),
  module,
  programs: { 'spire-server': `${module}/cmd/spire-server`, 'spire-agent': `${module}/cmd/spire-agent` },
  cache: 'spire',
  variable: 'SPIRE_BIN_DIR',
  cgo: true, // Its sqlite store.
  costs: '5 to 8 minutes on two cores, once; 240 MB are kept',
};
const run = promisify(execFile);

/** The SPIRE release that is built, as recipe/go.mod pins it. */
export function pinnedVersion() {
  return pinnedRelease(release);
}

/**
 * Finds or builds SPIRE. Throws an Error of one line that says what to install when it can do neither.
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<Spire>}
 */
export async function installSpire({ log }) {
  const { folder, from } = await installGoPrograms(release, { log });
  const [server, agent] = [join(folder, 'spire-server'), join(folder, 'spire-agent')];
  const { stdout, stderr } = await run(server, ['--version']);
  return { server, agent, version: `${stdout}${stderr}`.trim(), from };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const spire = await installSpire({ log: (line) => process.stderr.write(`${line}\n`) });
    process.stdout.write(`${JSON.stringify(spire)}\n`);
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
