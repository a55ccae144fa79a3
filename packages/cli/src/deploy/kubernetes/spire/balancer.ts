// Answers in; the component with an internal load balancer in front of SPIRE's servers out, for agents that are not in the cluster.
import { noted } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { componentFile, manifestFile, tcp } from '../manifest.ts';
import { names, SERVER_NAMESPACE, spirePorts } from '../places.ts';
import { networkPolicy } from '../policies.ts';
import { labelsOf, programSelector } from './labels.ts';

/** The files of spire/components/internal-load-balancer, by name. */
export function balancerFiles({ sources }: ClusterAnswers): ReadonlyMap<string, string> {
  const labels = labelsOf('server');
  return new Map([
    [
      'kustomization.yaml',
      componentFile(
        "SPIRE's servers for agents outside of the cluster, on layer 4 and inside of your network only: TLS ends in the servers.",
        {
          resources: ['balancer.yaml'],
        },
      ),
    ],
    [
      'balancer.yaml',
      manifestFile('The balancer, and who may come through it.', [
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: {
            name: names.balancer,
            namespace: SERVER_NAMESPACE,
            labels,
            annotations: noted('Each cloud reads its own and nothing else.', {
              'service.beta.kubernetes.io/aws-load-balancer-type': 'external',
              'service.beta.kubernetes.io/aws-load-balancer-nlb-target-type': 'instance',
              'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internal',
              'networking.gke.io/load-balancer-type': 'Internal',
              'service.beta.kubernetes.io/azure-load-balancer-internal': 'true',
            }),
          },
          spec: {
            type: 'LoadBalancer',
            loadBalancerSourceRanges: sources,
            externalTrafficPolicy: noted('Keeps the address of the agent: servers limit attestations for each address.', 'Local'),
            selector: programSelector('server'),
            ports: [{ name: 'tls-spire', port: spirePorts.server, targetPort: spirePorts.server }],
          },
        },
        networkPolicy({
          name: names.balancer,
          namespace: SERVER_NAMESPACE,
          labels,
          selector: programSelector('server'),
          ingress: [{ from: sources.map((cidr) => ({ ipBlock: { cidr } })), ports: tcp(spirePorts.server) }],
        }),
      ]),
    ],
  ]);
}
