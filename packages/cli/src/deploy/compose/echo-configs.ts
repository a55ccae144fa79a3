// Names in; the configurations of the two services out.
import type { Names } from '../project/names.ts';
import { ports } from './places.ts';
import { idOf, nameOf } from './workloads.ts';

/** config/<service>-server.yaml */
export function serverConfig(names: Names): string {
  return `# The server, mounted as /etc/ephemos/config.yaml. Where its identity comes from is in compose.yaml (SPIFFE_ENDPOINT_SOCKET).
service:
  # Together its SPIFFE ID: ${idOf(names, 'server')}
  name: ${nameOf(names, 'server')}
  domain: ${names.domain}
  # Who may call. Nobody else gets past the handshake.
  authorized_clients:
    - ${idOf(names, 'client')}

# gRPC and HTTP, behind mTLS.
listen:
  address: 0.0.0.0:${ports.calls}

# What the health check of the container asks, in plaintext.
health:
  address: 127.0.0.1:${ports.health}

# What Prometheus scrapes, in plaintext.
metrics:
  address: 0.0.0.0:${ports.metrics}

limits:
  max_body_bytes: 65536
`;
}

/** config/<service>-client.yaml */
export function clientConfig(names: Names): string {
  return `# The client, mounted as /etc/ephemos/config.yaml. Where its identity comes from is in compose.yaml (SPIFFE_ENDPOINT_SOCKET).
service:
  # Together its SPIFFE ID: ${idOf(names, 'client')}
  name: ${nameOf(names, 'client')}
  domain: ${names.domain}
  # Which servers it talks to.
  trusted_servers:
    - ${idOf(names, 'server')}
`;
}
