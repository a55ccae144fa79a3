// Answers in; rules for nftables out: who may reach the ports of SPIRE and of the service, and that nobody else does.
import type { HostAnswers } from './answers.ts';
import { byFamily } from './networks.ts';
import { ports } from './places.ts';

/** The name of the table, which is nobody else's. */
export function tableOf(service: string): string {
  return `ephemos_${service.replaceAll('-', '_')}`;
}

/** Renders the file. */
export function firewallRules({ service, port, peers, agents, monitoring }: HostAnswers): string {
  const table = tableOf(service);
  const sets = { peers, agents, ...(monitoring.length === 0 ? {} : { monitoring }) };
  const scraped = [ports.metrics, ports.serverMetrics, ports.agentMetrics];
  const guarded = [port, ...Object.values(ports)].sort((one, other) => one - other);
  return `#!/usr/sbin/nft -f
# Who may reach ${service} and SPIRE on this machine. It guards these ports and no other: what else the machine takes is for other tables, and what is
# dropped here stays dropped whatever those accept. Read again: nft -f this file, which replaces the table at once.
table inet ${table}
delete table inet ${table}

table inet ${table} {
${Object.entries(sets)
  .flatMap(([name, networks]) => setText(name, networks))
  .join('\n')}

  chain input {
    # Before the usual filters.
    type filter hook input priority filter - 10; policy accept;
    tcp dport { ${guarded.join(', ')} } jump guarded
  }

  chain guarded {
    # Health and metrics are on loopback alone, unless there is a monitoring network.
    iif lo accept
    # Whoever is taken out of a list keeps the connections that stand: "ss -K" ends them.
    ct state established,related accept
    # Callers: they need an identity all the same.
${accepts('peers', peers, [port])}
    # Agents of other machines.
${accepts('agents', agents, [ports.spire])}
${monitoring.length === 0 ? '' : `    # Prometheus.\n${accepts('monitoring', monitoring, scraped)}\n`}    limit rate 10/minute burst 5 packets log prefix "${table} dropped: "
    counter drop
  }
}
`;
}

// IPv4 and IPv6 have sets of their own; an empty one is left out.
function setText(name: string, networks: readonly string[]): readonly string[] {
  const { v4, v6 } = byFamily(networks);
  const families = [
    ['4', 'ipv4_addr', v4],
    ['6', 'ipv6_addr', v6],
  ] as const;
  return families.flatMap(([family, type, elements]) =>
    elements.length === 0
      ? []
      : [`  set ${name}${family} { type ${type}; flags interval; auto-merge; elements = { ${elements.join(', ')} }; }`],
  );
}

function accepts(name: string, networks: readonly string[], to: readonly number[]): string {
  const { v4, v6 } = byFamily(networks);
  const target = to.length === 1 ? `${to[0]}` : `{ ${to.join(', ')} }`;
  const lines = [
    ...(v4.length === 0 ? [] : [`    tcp dport ${target} ip saddr @${name}4 accept`]),
    ...(v6.length === 0 ? [] : [`    tcp dport ${target} ip6 saddr @${name}6 accept`]),
  ];
  return lines.join('\n');
}
