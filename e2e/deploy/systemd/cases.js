// What is to hold of the target systemd, case by case: Linux, root, and the programs that the README of deploy/systemd names.
import { bootUnits } from './boot.js';
import { checkRules, holdFirewall } from './firewall.js';
import { measureExposure, verifyUnits } from './units.js';

/** @type {readonly (import('../../spire/run-cases.js').Case & { run: (room: import('../../spire/room.js').SpireRoom) => Promise<string> })[]} */
export const systemdCases = [
  { name: 'units', rule: 'systemd-analyze verify takes every unit without a word, and notices slips', run: verifyUnits },
  { name: 'exposure', rule: 'systemd-analyze security finds no unit more exposed than its README says', run: measureExposure },
  { name: 'rules', rule: 'nft takes the rules, and notices slips', run: checkRules },
  {
    name: 'firewall',
    rule: 'in a network of namespaces peers, agents and monitoring reach what is theirs, and nobody anything else',
    run: holdFirewall,
  },
  {
    name: 'boot',
    rule: 'under a systemd of their own the units start in order, as the users and with the rights they name; the service gets its identity and ends with 0',
    run: bootUnits,
  },
];
