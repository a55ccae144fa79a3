// What a unit does in; its text out, with everything taken from it that it does not need.

/** One of the three units. */
export interface Unit {
  /** For the first line of the file. */
  readonly about: string;
  readonly description: string;
  /** Units that are started before this one. */
  readonly after: readonly string[];
  /** Lines of [Unit] that say how often it may be started. */
  readonly limit: readonly string[];
  readonly user: string;
  /** Lines of [Service] that say what runs, where and with what. */
  readonly runs: readonly string[];
  /** Lines of [Service] for which the units differ. */
  readonly sandbox: readonly string[];
}

/** What none of them needs. */
const HARDENED = `# No capability, and no way to one.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
RestrictSUIDSGID=yes
# The file system is for reading, but for what StateDirectory=, RuntimeDirectory= and ReadWritePaths= name. /run stays as it is: sockets are there.
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
DevicePolicy=closed
RemoveIPC=yes
UMask=0077
# Nothing of the kernel.
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
KeyringMode=private
# Netlink is how programs ask for the addresses of the machine.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
# What is not among these fails with EPERM, as it would without the privilege.
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# A core would hold keys.
LimitCORE=0
LimitNOFILE=65536`;

/** Renders the file. */
export function unitText({ about, description, after, limit, user, runs, sandbox }: Unit): string {
  const before = ['network-online.target', ...after];
  return `# ${about}
[Unit]
Description=${description}
Wants=${before.join(' ')}
After=${before.join(' ')}
${limit.join('\n')}

[Service]
Type=exec
User=${user}
Group=${user}
${runs.join('\n')}
KillSignal=SIGTERM

${HARDENED}
${sandbox.join('\n')}

[Install]
WantedBy=multi-user.target
`;
}
