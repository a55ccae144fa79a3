// A deployment in; the text of the haproxy.cfg in front of its servers out.
import type { Balancer, Spire } from './spire.ts';

/** Renders the configuration of HAProxy 2.6 or later. */
export function balancerCfg({ domain, servers }: Spire, balancer: Balancer): string {
  const backends = servers.map(({ name, host, port, health }) => `    server ${name} ${address(host)}:${port} check port ${health.port}`);
  return `# HAProxy in front of the SPIRE servers of the trust domain ${domain}. Rendered from spire.yaml: change that and render again.
# It passes TLS on as it is: agents and servers prove themselves to each other, and nobody in between can read or join in.

global
    log stdout format raw local0 notice
    # One for each agent. Each takes two file descriptors, of which a service often has 20,000.
    maxconn 8000
    user ${balancer.user}
    group ${balancer.group}

defaults
    log global
    mode tcp
    option dontlognull
    # A server that does not take the connection: try once more, on another one.
    retries 2
    option redispatch
    timeout connect 3s
    timeout check 3s
    # An agent asks every 5 s, and after failures every 4 min at the most: whoever is silent for longer is gone.
    timeout client 5m
    timeout server 5m
    default-server init-addr libc,none

frontend spire
    bind ${address(balancer.address)}:${balancer.port}
    default_backend spire-servers

backend spire-servers
    # Agents keep their connections: the server that came back gets the next ones.
    balance leastconn
    # Ready is a server that has an authority and its database; it looks itself once a minute. One that is gone is noticed within 3 s.
    option httpchk GET /ready
    http-check expect status 200
    # send-proxy-v2 tells the server whom it speaks for: its rate limits are per address. Agents of a server that fails are cut off, and go to another.
    default-server inter 2s fastinter 500ms downinter 1s fall 2 rise 2 on-marked-down shutdown-sessions send-proxy-v2
${backends.join('\n')}

frontend metrics
    bind ${address(balancer.metrics.address)}:${balancer.metrics.port}
    mode http
    timeout client 10s
    no log
    http-request use-service prometheus-exporter if { path /metrics }
    http-request return status 404
`;
}

function address(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
