// What a suite stands on: a folder that other users may search, the programs that are started in it, and SPIRE's programs where they are wanted.
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installSpire } from './install.js';
import { createPrograms, onExit } from './process.js';
import { isOpenToAll, openReach } from './reach.js';

/**
 * @typedef {object} Room
 * @property {string} folder
 * @property {import('./process.js').Programs} programs
 * @property {import('./reach.js').Reach} reach
 * @property {(line: string) => void} log
 * @property {(action: () => Promise<void>) => void} onClose for what a scenario opens and may not come to close
 * @property {(options: { failed: boolean }) => Promise<void>} close ends every program; keeps the logs when something failed
 */

/** @typedef {Room & { spire: import('./install.js').Spire }} SpireRoom */

export const checkout = fileURLToPath(new URL('../..', import.meta.url));

/** A mistake of the caller or of the machine: shown as one line, without a stack. */
export class SetupError extends Error {}

/**
 * @param {{ name: string, otherUsers: boolean, log: (line: string) => void }} options otherUsers: whether programs are started as other users
 * @returns {Promise<Room>}
 */
export async function openRoom({ name, otherUsers, log }) {
  const base = isOpenToAll(tmpdir()) ? tmpdir() : '/tmp'; // A private temporary folder is no place for other users' sockets.
  // Short: the path of a unix socket has at most 100 bytes.
  const folder = mkdtempSync(join(realpathSync(base), `eph-${name}-`));
  chmodSync(folder, 0o755);
  for (const part of ['logs', 'stage']) mkdirSync(join(folder, part), { mode: 0o755 });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const forget = onExit(remove);
  const programs = createPrograms({ logs: join(folder, 'logs') });
  const reach = await openReach({ checkout, stage: join(folder, 'stage'), otherUsers });
  if (reach.copied) log('the checkout is closed to other users: running a copy of what was built');
  /** @type {(() => Promise<void>)[]} */
  const closers = [];
  return {
    folder,
    programs,
    reach,
    log,
    onClose: (action) => {
      closers.push(action);
    },
    close: async ({ failed }) => {
      const tails = failed ? programs.tails() : '';
      await programs.close();
      for (const action of closers) await action();
      forget();
      if (!failed) return remove();
      log(`${tails}\nlogs are kept in ${join(folder, 'logs')}`);
    },
  };
}

/**
 * A room with SPIRE's programs, found or built, where workloads are told apart by their Unix users.
 * @param {{ name: string, log: (line: string) => void }} options
 * @returns {Promise<SpireRoom>}
 */
export async function openSpireRoom({ name, log }) {
  if (process.getuid?.() !== 0) {
    throw new SetupError('SPIRE tells callers apart by Unix user here, and only root may start programs as other users: run this as root');
  }
  const spire = await installSpire({ log }).catch((error) => {
    throw new SetupError(error instanceof Error ? error.message : String(error));
  });
  return { ...(await openRoom({ name, otherUsers: true, log })), spire };
}
