// Answers in; the units of SPIRE's server, of its agent and of the service out.
import type { HostAnswers } from './answers.ts';
import { configOf, places, programOf, users } from './places.ts';
import { unitText } from './unit.ts';

/** Started again for ever: an agent that gave up while its server was away would leave every service without an identity. */
const UNLIMITED = ['# However often: whoever waits for it has nothing else.', 'StartLimitIntervalSec=0'];

/** Every unit by its name. */
export function unitFiles(answers: HostAnswers): ReadonlyMap<string, string> {
  return new Map([
    [`${users.server}.service`, serverUnit(answers)],
    [`${users.agent}.service`, agentUnit(answers)],
    [`${answers.service}.service`, serviceUnit(answers)],
  ]);
}

function serverUnit({ domain }: HostAnswers): string {
  return unitText({
    about: `The SPIRE server of ${domain}: on one machine alone, and on no other.`,
    description: `SPIRE server of ${domain}`,
    after: [],
    limit: UNLIMITED,
    user: users.server,
    runs: [
      `ExecStart=${places.spireServer} run -config ${places.serverConf}`,
      '# Its keys and its store, and the socket of its API, for itself alone: whoever opens that one administers the trust domain.',
      'StateDirectory=spire/server',
      'StateDirectoryMode=0700',
      'RuntimeDirectory=spire/server/private',
      'RuntimeDirectoryMode=0700',
      'Restart=on-failure',
      'RestartSec=5s',
      'TimeoutStopSec=30s',
      '# Ten thousand entries and 5 agents take 120 MiB (docs/spire.md).',
      'MemoryMax=1G',
      'Environment=GOMEMLIMIT=900MiB',
      'TasksMax=256',
    ],
    sandbox: [
      '# Go writes no code while it runs.',
      'MemoryDenyWriteExecute=yes',
      '# It looks in /proc for who opened the socket of its API, who is another user: no ProtectProc=, no ProcSubset=, no PrivateUsers= here.',
      'ProtectProc=default',
    ],
  });
}

function agentUnit({ domain }: HostAnswers): string {
  return unitText({
    about: `The SPIRE agent of ${domain}: on every machine.`,
    description: `SPIRE agent of ${domain}`,
    after: [`${users.server}.service`],
    limit: UNLIMITED,
    user: users.agent,
    runs: [
      `ExecStart=${places.spireAgent} run -config ${places.agentConf}`,
      'StateDirectory=spire/agent',
      'StateDirectoryMode=0700',
      'RuntimeDirectory=spire/agent/private',
      'RuntimeDirectoryMode=0700',
      '# Where services find it; tmpfiles.d makes it, so that it stays while the agent is away.',
      'ReadWritePaths=/run/spire/sockets',
      'Restart=on-failure',
      'RestartSec=5s',
      'TimeoutStopSec=30s',
      '# Five thousand entries, all kept, take 114 MiB (docs/spire.md).',
      'MemoryMax=512M',
      'Environment=GOMEMLIMIT=450MiB',
      'TasksMax=256',
    ],
    sandbox: [
      '# Go writes no code while it runs.',
      'MemoryDenyWriteExecute=yes',
      '# It has to see who asks: the users of other processes, as they are outside. ProtectProc=invisible would hide them, PrivateUsers= make all nobody.',
      '# It needs no right of root for that.',
      'ProtectProc=default',
    ],
  });
}

function serviceUnit({ service, domain }: HostAnswers): string {
  return unitText({
    about: `The service ${service}, whose identity is spiffe://${domain}/${service}. To run something else: systemctl edit ${service}, "ExecStart=" and another one.`,
    description: `${service} of ${domain}`,
    after: [`${users.agent}.service`],
    limit: ['# A service that ends 30 times in five minutes needs a person.', 'StartLimitIntervalSec=5min', 'StartLimitBurst=30'],
    user: service,
    runs: [
      `ExecStart=${places.node} ${programOf(service)}`,
      `WorkingDirectory=/opt/${service}`,
      'Environment=NODE_ENV=production',
      `Environment=EPHEMOS_CONFIG_PATH=${configOf(service)}`,
      `Environment=SPIFFE_ENDPOINT_SOCKET=unix://${places.agentSocket}`,
      '# A heap below MemoryMax=, with room for what is not on it: the kernel kills where V8 would have collected garbage.',
      'Environment=NODE_OPTIONS=--max-old-space-size=160',
      'MemoryMax=256M',
      'MemorySwapMax=0',
      'TasksMax=200',
      'Restart=on-failure',
      'RestartSec=2s',
      '# 2 and 3: wrong words, a configuration that is not valid. Starting again mends neither.',
      'RestartPreventExitStatus=2 3',
      '# shutdown.grace_period of its configuration, above drain_delay and deadline together.',
      'TimeoutStopSec=30s',
      'KillMode=mixed',
      `# Below /var/lib/${service}, for what it has to keep.`,
      `StateDirectory=${service}`,
      'StateDirectoryMode=0700',
    ],
    sandbox: [
      '# V8 compiles JavaScript to machine code: memory that is written and then run. With yes, Node.js ends as it starts.',
      'MemoryDenyWriteExecute=no',
      '# It sees its own processes, and of all users only its own and root. The agent sees the user that it is, all the same.',
      'ProtectProc=invisible',
      'ProcSubset=pid',
      'PrivateUsers=yes',
    ],
  });
}
