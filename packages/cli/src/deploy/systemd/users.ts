// Answers in; who runs things, and which directories are whose, out: sysusers.d and tmpfiles.d.
import type { HostAnswers } from './answers.ts';
import { places, users } from './places.ts';

/** sysusers.d */
export function sysusers({ service, domain }: HostAnswers): string {
  return `# The users of SPIRE and of ${service} (systemd-sysusers). Users that stay, and no DynamicUser=: keys belong to those of SPIRE, and the agent tells services
# apart by theirs (unix:user:${service} in entries.yaml).
u ${users.server} - "SPIRE server of ${domain}" /var/lib/spire/server
u ${users.agent} - "SPIRE agent of ${domain}" /var/lib/spire/agent
u ${service} - "Service ${service}" /var/lib/${service}
`;
}

/** tmpfiles.d */
export function tmpfiles({ service }: HostAnswers): string {
  return `# Directories whose owner matters (systemd-tmpfiles --create, and at every boot). After keys were brought, it gives them to those who need them.
# Every service searches it; only the agent makes something in it.
d /run/spire/sockets 0755 ${users.agent} ${users.agent} -
# The upstream authority: whoever reads its key can be anybody. The directories are root's, or systemd-tmpfiles would not touch what root puts there.
d ${places.upstream} 0755 root root -
z ${places.upstream}/* 0600 ${users.server} ${users.server} -
d ${places.nodes} 0755 root root -
z ${places.nodes}/* 0644 root root -
# The key of this machine.
d ${places.machine} 0755 root root -
z ${places.machine}/* 0600 ${users.agent} ${users.agent} -
z ${places.bootstrap} 0644 root root -
d /etc/ephemos/${service} 0755 root root -
`;
}
