// Answers in; the configurations of the server and its client out, as @ephemos/service reads them.
import { commentLines, noted, writeYaml, type YamlMapping } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { ports, shutdown } from '../places.ts';
import { idOf, nameOf } from './workloads.ts';

/** Where it is in a container. */
export const CONFIG_DIRECTORY = '/etc/ephemos';
export const CONFIG_FILE = 'config.yaml';

/** base/config/echo-server.yaml */
export function serverConfig(answers: ClusterAnswers): string {
  return config(
    `The server, mounted as ${CONFIG_DIRECTORY}/${CONFIG_FILE}. Where its identity comes from is in server.yaml (SPIFFE_ENDPOINT_SOCKET).`,
    {
      service: {
        name: noted(`With the domain its SPIFFE ID: ${idOf(answers, 'server')}`, nameOf(answers, 'server')),
        domain: answers.domain,
        authorized_clients: noted('Who may call. Nobody else gets past the handshake.', [idOf(answers, 'client')]),
      },
      listen: noted('gRPC and HTTP, behind mTLS.', { address: `:${ports.calls}` }),
      health: noted('What kubelet asks, in plaintext.', { address: `:${ports.health}` }),
      metrics: noted('What Prometheus scrapes, in plaintext.', { address: `:${ports.metrics}` }),
      limits: { max_body_bytes: 65_536 },
      shutdown: {
        drain_delay: noted('Until every node has taken the pod out of its Service.', `${shutdown.delay}s`),
        deadline: `${shutdown.deadline}s`,
        grace_period: noted('As terminationGracePeriodSeconds of the pod.', `${shutdown.grace}s`),
      },
    },
  );
}

/** base/config/echo-client.yaml */
export function clientConfig(answers: ClusterAnswers): string {
  return config(
    `The client, mounted as ${CONFIG_DIRECTORY}/${CONFIG_FILE}. Where its identity comes from is in client.yaml (SPIFFE_ENDPOINT_SOCKET).`,
    {
      service: {
        name: noted(`With the domain its SPIFFE ID: ${idOf(answers, 'client')}`, nameOf(answers, 'client')),
        domain: answers.domain,
        trusted_servers: noted('Which servers it talks to.', [idOf(answers, 'server')]),
      },
    },
  );
}

function config(comment: string, value: YamlMapping): string {
  return `${commentLines(comment).join('\n')}\n${writeYaml(value)}`;
}
