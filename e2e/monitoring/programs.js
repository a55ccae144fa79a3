// Finds the programs of Prometheus and Alertmanager: of this machine, or out of Debian's packages.
import { join } from 'node:path';
import { librariesOf, takeOut } from '../../scripts/lib/debian.js';
import { foldersOnPath, isExecutable } from '../../scripts/lib/programs.js';
import { SetupError } from '../spire/room.js';

/** @typedef {{ file: string, env: NodeJS.ProcessEnv, before: readonly string[] }} Tool `before` goes before the arguments */

// Debian's Alertmanager opens its templates where its package would have put them: it gets a /usr/share of its own, in which they are.
const withShare = 'mount -t overlay overlay -o "lowerdir=$1/usr/share:/usr/share" /usr/share && shift && exec "$@"';

/** @typedef {{ promtool: Tool, prometheus: Tool, amtool: Tool, alertmanager: Tool }} Tools */

/**
 * @param {(line: string) => void} log
 * @returns {Tools}
 */
export function findTools(log) {
  const find = (/** @type {string} */ name, /** @type {string} */ debian, /** @type {readonly string[]} */ names) => {
    const own = foldersOnPath().flatMap((folder) => names.map((each) => join(folder, each)));
    const file = own.find(isExecutable);
    if (file !== undefined) return { file, env: process.env, before: [] };
    const taken = takeOut(debian, log);
    const inside = names.map((each) => join(taken ?? '', 'usr/bin', each)).find(isExecutable);
    if (taken !== undefined && inside !== undefined) {
      const env = { ...process.env, ...librariesOf(taken) };
      return name === 'alertmanager'
        ? { file: 'unshare', env, before: ['--mount', 'sh', '-c', withShare, 'sh', taken, inside] }
        : { file: inside, env, before: [] };
    }
    throw new SetupError(
      `there is no ${name} here: install the package "${debian}" (Debian) or "${debian.replace('prometheus-', '')}" (Homebrew)`,
    );
  };
  return {
    promtool: find('promtool', 'prometheus', ['promtool']),
    prometheus: find('prometheus', 'prometheus', ['prometheus']),
    amtool: find('amtool', 'prometheus-alertmanager', ['amtool']),
    alertmanager: find('alertmanager', 'prometheus-alertmanager', ['prometheus-alertmanager', 'alertmanager']),
  };
}
