// What the cases stand on: SPIRE's programs, a folder that other users may search, and the programs that are started in it.
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installSpire } from '../install.js';
import { createPrograms, onExit } from '../process.js';
import { isOpenToAll, openReach } from '../reach.js';
import { checkout, SetupError } from '../suite.js';

/**
 * @typedef {object} Room
 * @property {import('../install.js').Spire} spire
 * @property {string} folder
 * @property {import('../process.js').Programs} programs
 * @property {import('../reach.js').Reach} reach
 * @property {(line: string) => void} log
 * @property {(options: { failed: boolean }) => Promise<void>} close
 */

/**
 * @param {(line: string) => void} log
 * @returns {Promise<Room>}
 */
export async function openRoom(log) {
  if (process.getuid?.() !== 0) {
    throw new SetupError('SPIRE tells callers apart by Unix user here, and only root may start programs as other users: run this as root');
  }
  const spire = await installSpire({ log }).catch((error) => {
    throw new SetupError(error instanceof Error ? error.message : String(error));
  });
  const base = isOpenToAll(tmpdir()) ? tmpdir() : '/tmp';
  // Short: the path of a unix socket has at most 100 bytes.
  const folder = mkdtempSync(join(realpathSync(base), 'eph-conf-'));
  chmodSync(folder, 0o755);
  for (const part of ['logs', 'stage']) mkdirSync(join(folder, part), { mode: 0o755 });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const forget = onExit(remove);
  const programs = createPrograms({ logs: join(folder, 'logs') });
  const reach = await openReach({ checkout, stage: join(folder, 'stage'), otherUsers: true });
  return {
    spire,
    folder,
    programs,
    reach,
    log,
    close: async ({ failed }) => {
      const tails = failed ? programs.tails() : '';
      await programs.close();
      forget();
      if (!failed) return remove();
      log(`${tails}\nlogs are kept in ${join(folder, 'logs')}`);
    },
  };
}
