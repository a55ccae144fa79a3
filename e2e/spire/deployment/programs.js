// Finds the programs that a highly available SPIRE stands on: PostgreSQL and HAProxy, of this machine or out of Debian's packages.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { librariesOf, takeOut } from '../../../scripts/lib/debian.js';
import { foldersOnPath, isExecutable, postgresFolders, postgresFoldersBelow } from '../../../scripts/lib/programs.js';
import { isOpenToAll } from '../reach.js';
import { SetupError } from '../room.js';

/**
 * @typedef {object} Found
 * @property {string} folder of the programs
 * @property {NodeJS.ProcessEnv} env what they need to run
 */

/**
 * PostgreSQL with `initdb`, `postgres` and `psql`: POSTGRES_BIN_DIR, this machine's, or Debian's.
 * @param {{ log: (line: string) => void, stage: string }} options where to copy the programs to when other users cannot reach them
 * @returns {Found}
 */
export function findPostgres({ log, stage }) {
  const given = process.env['POSTGRES_BIN_DIR'] ?? '';
  const own = (given === '' ? [...postgresFolders(), ...foldersOnPath()] : [given]).find((folder) => isExecutable(join(folder, 'initdb')));
  if (own !== undefined) return { folder: own, env: process.env };
  const kept = given === '' ? takeOut('postgresql', log) : undefined;
  // The cache may be in a home that is closed to the user that PostgreSQL runs as.
  const taken = kept === undefined || isOpenToAll(kept) ? kept : join(stage, 'postgresql');
  if (kept !== undefined && taken !== undefined && taken !== kept) cpSync(kept, taken, { recursive: true, verbatimSymlinks: true });
  const folder = taken === undefined ? undefined : postgresFoldersBelow(join(taken, 'usr/lib/postgresql'))[0];
  if (taken !== undefined && folder !== undefined) return { folder, env: { ...process.env, ...librariesOf(taken) } };
  throw new SetupError('no PostgreSQL here: install postgresql (apt-get, brew), or name the folder of its programs in POSTGRES_BIN_DIR');
}

/**
 * HAProxy: HAPROXY, the one on PATH, or Debian's.
 * @param {(line: string) => void} log
 * @returns {{ program: string, env: NodeJS.ProcessEnv }}
 */
export function findHaproxy(log) {
  const given = process.env['HAPROXY'] ?? '';
  const own = given === '' ? [...foldersOnPath(), '/usr/sbin'].map((folder) => join(folder, 'haproxy')) : [given];
  const found = own.find(isExecutable);
  if (found !== undefined) return { program: found, env: process.env };
  const taken = given === '' ? takeOut('haproxy', log) : undefined;
  if (taken !== undefined) return { program: join(taken, 'usr/sbin/haproxy'), env: { ...process.env, ...librariesOf(taken) } };
  throw new SetupError('no HAProxy here: install haproxy (apt-get, brew), or name its program in HAPROXY');
}
