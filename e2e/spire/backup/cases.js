// What must hold of the scripts in deploy/backup, each on deployments of deploy/spire that run for real.
import { archives } from './archive.js';
import { drill } from './drill.js';
import { keysLost, oneOfTwo } from './keys.js';
import { refusals } from './refused.js';

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} rule
 * @property {(options: { short: boolean, log: (line: string) => void }) => Promise<readonly string[]>} run resolves with what was measured
 */

/** @type {readonly Case[]} */
export const cases = [
  {
    name: 'host-ha',
    rule: 'two servers and their PostgreSQL burn down and come back from a backup: the same authorities, no call of a service fails',
    run: (options) => drill({ ...options, variant: 'host-ha' }),
  },
  {
    name: 'host',
    rule: 'the same for one server and its SQLite file',
    run: (options) => drill({ ...options, variant: 'host' }),
  },
  {
    name: 'refused',
    rule: 'archives that are cut off, damaged, forged or of others are refused for SQLite, and so are targets that run; nothing is touched',
    run: (options) => refusals({ ...options, variant: 'host' }),
  },
  {
    name: 'refused-ha',
    rule: 'the same for PostgreSQL, where a restore that fails in the middle leaves nothing of itself',
    run: (options) => refusals({ ...options, variant: 'host-ha' }),
  },
  {
    name: 'keys-lost',
    rule: 'a server whose keys are lost and whose database is kept signs with another authority at once, and agents and workloads go on',
    run: keysLost,
  },
  {
    name: 'one-of-two',
    rule: 'a backup of one of two servers brings back that one and the database; the other one starts with an authority of its own',
    run: oneOfTwo,
  },
  {
    name: 'archive',
    rule: 'an archive appears whole or not at all, for its owner alone, encrypted for whom it was asked; older ones go; backup.sh refuses with a code',
    run: archives,
  },
];
