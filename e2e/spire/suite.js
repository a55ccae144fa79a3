// Opens what a suite stands on: a temporary folder that other users may search, the programs it starts, and an agent;
// closes it again, and keeps the logs when something failed.
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installSpire } from './install.js';
import { createPrograms, onExit } from './process.js';
import { isOpenToAll, openReach } from './reach.js';
import { openSpire } from './spire.js';
import { createSpireWorld } from './world.js';

/**
 * @typedef {object} Suite
 * @property {string} folder
 * @property {import('./process.js').Programs} programs
 * @property {import('./reach.js').Reach} reach
 * @property {import('./world.js').World} world
 * @property {(name: string, text: string) => string} write makes a file that every user may read, and returns its path
 * @property {(name: string, file: string, args: readonly string[], options: NodeOptions) => import('./process.js').Program} startNode
 *   starts a script of the checkout as one caller
 * @property {(action: () => Promise<void>) => void} onClose for what a scenario opens and may not come to close
 * @property {(options: { failed: boolean }) => Promise<void>} close
 */

/**
 * @typedef {object} NodeOptions
 * @property {import('./world.js').Caller} as
 * @property {Readonly<Record<string, string>>} [env]
 * @property {(line: string) => void} [onLine]
 */

export const checkout = fileURLToPath(new URL('../..', import.meta.url));

/** A mistake of the caller or of the machine: shown as one line, without a stack. */
export class SetupError extends Error {}

/** @param {string} name */
function openFolder(name) {
  const base = isOpenToAll(tmpdir()) ? tmpdir() : '/tmp'; // A private temporary folder is no place for other users' sockets.
  const folder = mkdtempSync(join(realpathSync(base), `ephemos-${name}-`));
  chmodSync(folder, 0o755);
  for (const part of ['logs', 'config', 'stage', 'spire']) mkdirSync(join(folder, part), { mode: 0o755 });
  return folder;
}

/**
 * @param {{ name: string, agent: 'spire' | 'dev', ttl: number, log: (line: string) => void }} options ttl: seconds that SVIDs live
 * @returns {Promise<Suite>}
 */
export async function openSuite({ name, agent, ttl, log }) {
  if (agent === 'spire' && process.getuid?.() !== 0) {
    throw new SetupError('SPIRE tells callers apart by Unix user here, and only root may start programs as other users: run this as root');
  }
  const spire =
    agent === 'dev'
      ? undefined
      : await installSpire({ log }).catch((error) => {
          throw new SetupError(error instanceof Error ? error.message : String(error));
        });
  const folder = openFolder(name);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const forget = onExit(remove);
  const programs = createPrograms({ logs: join(folder, 'logs') });
  /** @type {(() => Promise<void>)[]} */
  const closers = [];
  try {
    const reach = await openReach({ checkout, stage: join(folder, 'stage'), otherUsers: agent === 'spire' });
    if (reach.copied) log('the checkout is closed to other users: running a copy of what was built');
    const world =
      spire === undefined
        ? await (await import('./world-dev.js')).openDevWorld({ folder, ttl })
        : createSpireWorld({ spire, running: await openSpire({ spire, folder: join(folder, 'spire'), programs }), ttl });
    log(`agent: ${world.about}`);
    /** @type {Suite['startNode']} */
    const startNode = (programName, file, args, { as, env = {}, onLine }) =>
      programs.start(programName, reach.node, [reach.file(join(checkout, file)), ...args], {
        cwd: folder,
        env: { ...process.env, HOME: folder, ...env, ...as.env },
        ...(as.uid === undefined ? {} : { uid: as.uid }),
        ...(as.gid === undefined ? {} : { gid: as.gid }),
        ...(onLine === undefined ? {} : { onLine }),
      });
    return {
      folder,
      programs,
      reach,
      world,
      startNode,
      write: (fileName, text) => {
        const file = join(folder, 'config', fileName);
        writeFileSync(file, text, { mode: 0o644 });
        return file;
      },
      onClose: (action) => {
        closers.push(action);
      },
      close: async ({ failed }) => {
        const tails = failed ? programs.tails() : '';
        await programs.close();
        for (const action of closers) await action();
        await world.close();
        forget();
        if (!failed) return remove();
        log(`${tails}\nlogs are kept in ${join(folder, 'logs')}`);
      },
    };
  } catch (error) {
    forget();
    log(`${programs.tails()}\nlogs are kept in ${join(folder, 'logs')}`);
    await programs.close();
    throw error;
  }
}
