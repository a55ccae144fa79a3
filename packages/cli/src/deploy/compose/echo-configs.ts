// Answers in; the configurations of the two services out.
import { type Answers, idOf, nameOf } from './answers.ts';
import { ports } from './places.ts';

/** config/<service>-server.yaml */
export function serverConfig(answers: Answers): string {
  return `# The server, mounted as /etc/ephemos/config.yaml. Where its identity comes from is in compose.yaml (SPIFFE_ENDPOINT_SOCKET).
service:
  # Together its SPIFFE ID: ${idOf(answers, 'server')}
  name: ${nameOf(answers, 'server')}
  domain: ${answers.domain}
  # Who may call. Nobody else gets past the handshake.
  authorized_clients:
    - ${idOf(answers, 'client')}

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
export function clientConfig(answers: Answers): string {
  return `# The client, mounted as /etc/ephemos/config.yaml. Where its identity comes from is in compose.yaml (SPIFFE_ENDPOINT_SOCKET).
service:
  # Together its SPIFFE ID: ${idOf(answers, 'client')}
  name: ${nameOf(answers, 'client')}
  domain: ${answers.domain}
  # Which servers it talks to.
  trusted_servers:
    - ${idOf(answers, 'server')}
`;
}
