// Finds the programs that judge and run what `ephemos deploy init --target systemd` writes. What is absent is said plainly, and nothing passes without it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { librariesOf, takeOut } from '../../../scripts/lib/debian.js';
import { foldersOnPath, isExecutable } from '../../../scripts/lib/programs.js';
import { SetupError } from '../../spire/room.js';

/** @typedef {{ program: string, env: NodeJS.ProcessEnv }} Found */

const systemFolders = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** @param {string} name */
const own = (name) => [...foldersOnPath(), ...systemFolders].map((folder) => join(folder, name)).find(isExecutable);

/**
 * nft: NFT, this machine's, or Debian's.
 * @param {(line: string) => void} log
 * @returns {Found}
 */
export function findNft(log) {
  linuxAsRoot();
  const given = process.env['NFT'] ?? '';
  const found = given === '' ? own('nft') : given;
  if (found !== undefined) return { program: found, env: process.env };
  const taken = takeOut('nftables', log);
  if (taken !== undefined) return { program: join(taken, 'usr/sbin/nft'), env: { ...process.env, ...librariesOf(taken) } };
  throw new SetupError('no nft here: install nftables (apt-get), or name the program in NFT');
}

/**
 * A program of iproute2, util-linux or systemd.
 * @param {'ip' | 'unshare' | 'nsenter' | 'systemd-analyze'} name
 */
export function findProgram(name) {
  linuxAsRoot();
  const found = own(name);
  if (found === undefined)
    throw new SetupError(`no ${name} here: install ${name === 'ip' ? 'iproute2' : name === 'systemd-analyze' ? 'systemd' : 'util-linux'}`);
  return found;
}

/** systemd itself, to be process 1 of a namespace. */
export function findSystemd() {
  linuxAsRoot();
  const found = ['/lib/systemd/systemd', '/usr/lib/systemd/systemd'].find(existsSync);
  if (found === undefined) throw new SetupError('no systemd here: install systemd');
  return found;
}

function linuxAsRoot() {
  if (process.platform !== 'linux') throw new SetupError('units and nftables are of Linux: run this there');
  if (process.getuid?.() !== 0) throw new SetupError('namespaces need root: run this as root');
}
