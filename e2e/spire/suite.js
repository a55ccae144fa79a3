// Opens what the scenarios of the echo pair stand on: a room, an agent in it, and ways to start scripts of the checkout as callers that the agent knows.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, openRoom, openSpireRoom } from './room.js';
import { openSpire } from './spire.js';
import { createSpireWorld } from './world.js';

export { checkout, SetupError } from './room.js';

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

/**
 * A suite in a room whose agent runs.
 * @param {import('./room.js').Room} room
 * @param {import('./world.js').World} world
 * @returns {Suite}
 */
export function createSuite(room, world) {
  const { folder, programs, reach, log, onClose, close } = room;
  const configs = join(folder, 'config');
  mkdirSync(configs, { mode: 0o755 });
  log(`agent: ${world.about}`);
  onClose(() => world.close());
  return {
    folder,
    programs,
    reach,
    world,
    startNode: (programName, file, args, { as, env = {}, onLine }) =>
      programs.start(programName, reach.node, [reach.file(join(checkout, file)), ...args], {
        cwd: folder,
        env: { ...process.env, HOME: folder, ...env, ...as.env },
        ...(as.uid === undefined ? {} : { uid: as.uid }),
        ...(as.gid === undefined ? {} : { gid: as.gid }),
        ...(onLine === undefined ? {} : { onLine }),
      }),
    write: (fileName, text) => {
      const file = join(configs, fileName);
      writeFileSync(file, text, { mode: 0o644 });
      return file;
    },
    onClose,
    close,
  };
}

/**
 * @param {{ name: string, agent: 'spire' | 'dev', ttl: number, log: (line: string) => void }} options ttl: seconds that SVIDs live
 * @returns {Promise<Suite>}
 */
export async function openSuite({ name, agent, ttl, log }) {
  const room = agent === 'spire' ? await openSpireRoom({ name, log }) : await openRoom({ name, otherUsers: false, log });
  try {
    return createSuite(room, await openWorld(room, ttl));
  } catch (error) {
    await room.close({ failed: true });
    throw error;
  }
}

/**
 * @param {import('./room.js').Room | import('./room.js').SpireRoom} room
 * @param {number} ttl
 */
async function openWorld(room, ttl) {
  if (!('spire' in room)) return (await import('./world-dev.js')).openDevWorld({ folder: room.folder, ttl });
  const folder = join(room.folder, 'spire');
  mkdirSync(folder, { mode: 0o755 });
  return createSpireWorld({ spire: room.spire, running: await openSpire({ spire: room.spire, folder, programs: room.programs }), ttl });
}
