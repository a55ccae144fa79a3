// What a namespace has before anything is allowed in it: nothing, and names.
import { noted, type YamlMapping } from '../project/write-yaml.ts';
import { type Labels, type Manifest, tcp } from './manifest.ts';

/** One NetworkPolicy. */
export interface Policy {
  readonly name: string;
  readonly namespace: string;
  readonly labels: YamlMapping;
  readonly selector: Labels;
  readonly ingress?: readonly YamlMapping[];
  readonly egress?: readonly YamlMapping[];
}

/** Makes it. A direction that is not named is not spoken of. */
export function networkPolicy({ name, namespace, labels, selector, ingress, egress }: Policy): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace, labels },
    spec: {
      podSelector: { matchLabels: selector },
      policyTypes: [...(ingress === undefined ? [] : ['Ingress']), ...(egress === undefined ? [] : ['Egress'])],
      ingress,
      egress,
    },
  };
}

/** Nothing in and nothing out, and then names for everybody. */
export function denyAllButNames(namespace: string, labels: YamlMapping): readonly Manifest[] {
  return [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'default-deny', namespace, labels },
      spec: {
        podSelector: noted(
          'Every pod. Only probes of kubelet need no rule: what comes from the node of a pod is never kept from it, so no rule names a port of health.',
          {},
        ),
        policyTypes: ['Ingress', 'Egress'],
      },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'allow-dns', namespace, labels },
      spec: {
        podSelector: {},
        policyTypes: ['Egress'],
        egress: [
          {
            to: [
              noted('Without it nobody finds anybody. TCP too: an answer that is too long for UDP is asked for again.', {
                namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
              }),
            ],
            ports: [{ protocol: 'UDP', port: 53 }, ...tcp(53)],
          },
        ],
      },
    },
  ];
}

/** The way to the API server, which has no address that could be written here. */
export const apiServer: YamlMapping = {
  ports: noted(
    'The API server. Its address is each cluster\'s own, so the ports are all that can be said: narrow it down with "to" and an ipBlock.',
    [...tcp(443, 6443)],
  ),
};
