// How the agent is to tell programs of one machine apart. With root each is a Unix user of its own, as in containers. Without, each is the same Node.js
// under a path of its own, which the agent sees: enough to show it on one's own machine, where one's own programs could take each other's place anyway.
import { constants, copyFileSync, linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Those that are in no compose.yaml: somebody with an identity that nobody authorized, somebody without any, and one who comes while a server is away. */
export const strangers = { stranger: 20_003, nobody: 20_004, latecomer: 20_005 };

/**
 * @typedef {object} Caller
 * @property {string} selector by which the agent knows it
 * @property {string} node the program that it runs
 * @property {{ uid?: number, gid?: number }} as
 */

/**
 * @param {{ folder: string, node: string, root: boolean, userOf: (name: string) => number | undefined }} options
 * @returns {(name: string) => Caller}
 */
export function createCallers({ folder, node, root, userOf }) {
  /** @type {Map<string, Caller>} */
  const known = new Map();
  /** @param {string} name @returns {Caller} */
  const make = (name) => {
    if (root) {
      const uid = name in strangers ? strangers[/** @type {keyof typeof strangers} */ (name)] : userOf(name);
      if (uid === undefined) throw new Error(`${name} has no user of its own in compose.yaml`);
      return { selector: `unix:uid:${uid}`, node, as: { uid, gid: uid } };
    }
    mkdirSync(join(folder, 'bin'), { recursive: true });
    const own = join(folder, 'bin', name);
    try {
      linkSync(node, own);
    } catch {
      // Another file system, or a program that belongs to somebody else.
      copyFileSync(node, own, constants.COPYFILE_FICLONE);
    }
    return { selector: `unix:path:${own}`, node: own, as: {} };
  };
  return (name) => {
    const caller = known.get(name) ?? make(name);
    known.set(name, caller);
    return caller;
  };
}
