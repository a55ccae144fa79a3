// Answers in; how to bring it all onto machines, as README.md, out.
import type { HostAnswers } from './answers.ts';
import { configOf, places, programOf, users } from './places.ts';

/** `systemd-analyze security` of systemd 252, from 0 (nothing) to 10 (everything); measured by the tests. */
const EXPOSURE = { server: '1.5', agent: '1.5', service: '1.1' } as const;

/** Renders the file. */
export function readme(answers: HostAnswers): string {
  return [head(answers), install(answers), run(answers), reach(answers), rest(answers)].join('\n');
}

function head({ service, domain }: HostAnswers): string {
  return `<!-- How to bring ${service} and its SPIRE onto machines. Rendered by "ephemos deploy init --target systemd". -->
# ${service} on machines, with systemd

A SPIRE server on one machine; a SPIRE agent and \`${service}\` on it or on others. Names below \`etc/\` are those below \`/etc\`.

| | |
|---|---|
| \`etc/systemd/system/\` | \`${users.server}.service\`, \`${users.agent}.service\`, \`${service}.service\` |
| \`etc/sysusers.d/\`, \`etc/tmpfiles.d/\` | their users, and which directories are whose |
| \`etc/nftables.d/\` | who may reach their ports |
| \`etc/ephemos/${service}/config.yaml\` | the configuration of \`${service}\` |
| \`etc/spire/\` | \`server.conf\` and \`agent.conf\`, rendered from \`spire.yaml\` |
| \`entries.yaml\` | who is who, for \`ephemos entries apply\` |
| \`ephemos-deploy.json\` | what all of it was made from |

No key is among them. It needs systemd 247 or newer, nftables, SPIRE 1.15 in \`/opt/spire/bin\`, and Node.js 20.19 or newer as \`${places.node}\` (that of
Debian 12 is older: take it from nodejs.org). The trust domain is \`${domain}\`.
`;
}

function install({ service, domain, machine }: HostAnswers): string {
  return `## Install

1. Make the keys, on a machine that is no server, with a disk that is carried away afterwards. The key of the root is in \`/media/vault\` and nowhere else:

   \`\`\`sh
   ephemos deploy ca init --domain ${domain} --offline /media/vault --out upstream
   ephemos deploy ca machine ${machine} --offline /media/vault --out node
   \`\`\`

   Each machine gets a name and a certificate of its own: \`ephemos deploy ca machine NAME --offline /media/vault --out node-NAME\`.
2. On each machine, as root, see that nothing is called like it (\`systemctl cat ${service}\` finds no files), and bring the files:

   \`\`\`sh
   cp -r --no-preserve=mode,ownership etc/. /etc/
   systemd-sysusers
   mkdir -p ${places.machine} && cp node/node.crt node/node.key ${places.machine}/
   cp upstream/ca.crt ${places.bootstrap}
   \`\`\`

   On the machine of the SPIRE server also:

   \`\`\`sh
   mkdir -p ${places.upstream} ${places.nodes}
   cp upstream/tls.crt upstream/tls.key upstream/ca.crt ${places.upstream}/
   cp node/nodes.crt ${places.nodes}/ca.crt
   \`\`\`

3. Give them to those who need them. From now on nobody else can read a key, also after the next boot:

   \`\`\`sh
   systemd-tmpfiles --create
   rm -r node upstream
   \`\`\`

4. Bring the program: \`${programOf(service)}\` with its \`node_modules\`, owned by root, readable for all. To start something else, \`systemctl edit ${service}\` with
   an empty \`ExecStart=\` and another one.
5. Close the ports. \`/etc/nftables.conf\` has to read the file at every boot:

   \`\`\`sh
   nft -c -f /etc/nftables.d/ephemos-${service}.nft
   grep -q nftables.d /etc/nftables.conf || echo 'include "/etc/nftables.d/*.nft"' >> /etc/nftables.conf
   systemctl enable nftables && systemctl reload-or-restart nftables
   \`\`\`
`;
}

function run({ service, domain, machine }: HostAnswers): string {
  return `## Start

On the machine of the SPIRE server, then on the others without the first and the third line:

\`\`\`sh
systemctl daemon-reload && systemctl enable --now ${users.server}
systemctl enable --now ${users.agent}
ephemos entries apply -f entries.yaml --server unix://${places.serverSocket}
systemctl enable --now ${service}
curl -f http://127.0.0.1:9080/readyz
\`\`\`

\`entries.yaml\` gives \`spiffe://${domain}/${service}\` to the user \`${service}\` on \`${machine}\`. Another machine that runs it is another entry, with its name in \`parent_id\`.
`;
}

function reach({ service, port, peers, agents, monitoring }: HostAnswers): string {
  const metrics = monitoring.length === 0 ? 'this machine' : `${monitoring.join(', ')}`;
  return `## Who reaches what

| port | what | from |
|---|---|---|
| ${port} | callers of \`${service}\`, over mTLS | ${peers.join(', ')} |
| 8081 | SPIRE's server, for agents, over mTLS | ${agents.join(', ')} |
| 9080, 8082, 9982 | health | this machine |
| 9090, 9988, 9989 | metrics | ${metrics} |

Anything else to these ports is dropped, counted (\`nft list table inet ephemos_${service.replaceAll('-', '_')}\`) and at times logged. No other port is touched. The rules hold
beside others: what they drop stays dropped. Whoever is taken out of a list keeps the connections that stand.
`;
}

function rest({ service }: HostAnswers): string {
  return `## What each unit can do

| unit | exposure | why it is not less |
|---|---|---|
| \`${users.server}.service\` | ${EXPOSURE.server} | network; it looks in \`/proc\` for who opened the socket of its API |
| \`${users.agent}.service\` | ${EXPOSURE.agent} | network; it sees the processes and users of the machine, since it has to know who asks |
| \`${service}.service\` | ${EXPOSURE.service} | network; memory that is written and then run, which V8 needs for JavaScript |

That is what \`systemd-analyze security --offline=yes\` of systemd 252 says, from 0 to 10. All run as a user of their own without any capability, with a filter of system
calls, on a file system that is for reading but for their own state, and leave no core. SPIRE's programs may not write code and run it
(\`MemoryDenyWriteExecute=yes\`); Node.js with that ends as it starts. There is no \`DynamicUser=\`: the agent tells services apart by their user.
A heap of 160 MiB stays below \`MemoryMax=256M\`: change both together.

SPIRE's units are started again for ever, every 5 s. \`${service}\` is after 30 failures in 5 minutes no longer, and not at all with exit code 2 or 3: then its
configuration is not valid (\`journalctl -u ${service}\`). It gets SIGTERM and 30 s, above \`drain_delay\` and \`deadline\` together.

## Later

- \`ephemos deploy ca show ${places.upstream}\` says when what is there has to be replaced, and ends with 1 from then on: let a timer ask it.
- **The upstream authority** (a year): \`ephemos deploy ca renew --offline /media/vault --out upstream\`, bring \`tls.key\` and \`tls.crt\` to \`${places.upstream}\`,
  \`systemd-tmpfiles --create\`. SPIRE takes it with its next authority, within half of \`ca_ttl\`, and nobody notices.
- **The certificate of a machine** (90 days): \`ephemos deploy ca machine NAME --offline /media/vault --out node-NAME\`, bring it, \`systemd-tmpfiles --create\`,
  \`systemctl restart ${users.agent}\`.
- After a change of \`${configOf(service)}\`: who may call changes at once, anything else with \`systemctl restart ${service}\`.
- Everything again for a newer Ephemos: \`ephemos deploy diff\` in this directory.
`;
}
