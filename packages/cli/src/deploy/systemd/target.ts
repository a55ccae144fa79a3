// `ephemos deploy init --target systemd`: SPIRE and a service as hardened units of machines, behind a firewall.
import type { Target } from '../project/target.ts';
import { type HostAnswers, parseAnswers, recordedAnswers } from './answers.ts';
import { entriesFile, serviceConfig, spireFiles } from './configs.ts';
import { firewallRules } from './firewall.ts';
import { configOf } from './places.ts';
import { readme } from './readme.ts';
import { unitFiles } from './units.ts';
import { sysusers, tmpfiles } from './users.ts';

/** A SPIRE server, an agent and a service, as units; names below etc/ are those below /etc. */
export const systemdTarget: Target = {
  name: 'systemd',
  directory: 'deploy/systemd',
  // What SPIRE keeps is of one trust domain for ever, and units under other names would stay behind.
  fixed: ['service', 'domain'],
  make(given) {
    const answers = parseAnswers(given);
    const { domain } = answers;
    return {
      answers: recordedAnswers(answers),
      files: hostFiles(answers),
      next: [
        `ephemos deploy ca init --domain ${domain} --offline /media/vault --out upstream`,
        `ephemos deploy ca machine ${answers.machine} --offline /media/vault --out node`,
        'the steps of README.md, on each machine',
      ],
    };
  },
};

function hostFiles(answers: HostAnswers): ReadonlyMap<string, string> {
  const { service } = answers;
  return new Map([
    ['README.md', readme(answers)],
    ...[...unitFiles(answers)].map(([name, text]) => [`etc/systemd/system/${name}`, text] as const),
    [`etc/sysusers.d/ephemos-${service}.conf`, sysusers(answers)],
    [`etc/tmpfiles.d/ephemos-${service}.conf`, tmpfiles(answers)],
    [`etc/nftables.d/ephemos-${service}.nft`, firewallRules(answers)],
    [configOf(service).slice(1), serviceConfig(answers)],
    ...[...spireFiles(answers)].map(([name, text]) => [`etc/spire/${name}`, text] as const),
    ['entries.yaml', entriesFile(answers)],
  ]);
}
