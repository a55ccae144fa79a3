// What the target writes, brought into a folder as it would be onto a machine.
import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemdTarget } from '../../../packages/cli/dist/deploy/systemd/target.js';

export const domain = 'prod.acme.com';
/** The answers of the sample in deploy/systemd. */
export const sample = { service: 'echo', domain };
/** Every answer, unlike its default. */
export const everything = {
  service: 'order-book',
  domain,
  port: '9443',
  clients: `spiffe://${domain}/web, spiffe://${domain}/ns/billing/cron`,
  peers: '10.1.0.0/16, fd10::/64',
  agents: '10.2.0.0/16, fd20::/64',
  monitoring: '10.3.0.0/16, fd30::/64',
  host: 'spire.acme.internal',
  machine: 'machine-7',
};

/** @typedef {Readonly<Record<string, string>>} Answers */
/** @typedef {{ folder: string, files: ReadonlyMap<string, string>, path: (name: string) => string }} Project */

/**
 * @param {Answers} answers
 * @param {string} folder made; what was there is removed
 * @param {(name: string, text: string) => string} [change] for slips
 * @returns {Project}
 */
export function writeTarget(answers, folder, change = (_name, text) => text) {
  rmSync(folder, { recursive: true, force: true });
  const { files } = systemdTarget.make(answers);
  for (const [name, text] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, name), change(name, text));
  }
  return { folder, files, path: (name) => join(folder, name) };
}

/**
 * Makes of a project the root of a machine: the units of Debian's systemd, and a program of no use wherever ExecStart= looks for one.
 * @param {Project} project
 * @param {string} service
 */
export function makeRoot({ folder }, service) {
  for (const program of ['opt/spire/bin/spire-server', 'opt/spire/bin/spire-agent', 'usr/bin/node']) {
    mkdirSync(dirname(join(folder, program)), { recursive: true });
    writeFileSync(join(folder, program), '#!/bin/sh\n');
    chmodSync(join(folder, program), 0o755);
  }
  mkdirSync(join(folder, 'opt', service), { recursive: true });
  cpSync('/usr/lib/systemd/system', join(folder, 'usr/lib/systemd/system'), { recursive: true, verbatimSymlinks: true });
  symlinkSync('usr/lib', join(folder, 'lib'));
  return folder;
}
