// Answers in; the component for namespaces that are part of an Istio mesh out.
import { noted } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { componentFile, manifestFile, podsIn, tcp } from '../manifest.ts';
import { ports, spirePorts } from '../places.ts';
import { networkPolicy } from '../policies.ts';
import { labelsOf, labelsOfAll, nameOf, selectorOf } from '../service/workloads.ts';
import { clientPatch, serverPatch } from './patches.ts';

/** The host of a SPIRE server that is not in this cluster. */
export function externalServerHost({ domain }: ClusterAnswers): string {
  return `spire-server.${domain}`;
}

/** The files, by name. */
export function istioFiles(answers: ClusterAnswers): ReadonlyMap<string, string> {
  const namespace = answers.service;
  const labels = labelsOfAll(answers);
  return new Map([
    [
      'kustomization.yaml',
      componentFile(
        'In an Istio mesh with sidecars. Our mTLS is end to end: a sidecar could neither read it nor add to it, so the port goes past it, and who may call is decided where the certificate is verified. "restricted" pods need the CNI plugin of Istio, since its init container asks for NET_ADMIN. Without sidecars (ambient) leave this out.',
        {
          resources: ['mesh.yaml', 'external-spire-server.yaml'],
          patches: [{ path: 'namespace.yaml' }, { path: 'server.yaml' }, { path: 'client.yaml' }],
        },
      ),
    ],
    [
      'namespace.yaml',
      manifestFile('Pods of this namespace get a sidecar.', [
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { 'istio-injection': 'enabled' } } },
      ]),
    ],
    [
      'server.yaml',
      manifestFile(
        'Calls come in past the sidecar, and so do the scrapes of a Prometheus outside of the mesh. Probes are asked through it, which it does by itself.',
        [
          serverPatch(answers, {
            metadata: { annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': `${ports.calls},${ports.metrics}` } },
          }),
        ],
      ),
    ],
    [
      'client.yaml',
      manifestFile('No sidecar for the client: its calls would go past it, and a Job does not end before all of its containers have.', [
        clientPatch(answers, { metadata: { labels: { 'sidecar.istio.io/inject': 'false' } } }),
      ]),
    ],
    [
      'mesh.yaml',
      manifestFile(
        'What does go through a sidecar of this namespace: nothing that is in plaintext, and nothing at all until a policy of yours allows it. And the way of a sidecar to its control plane, which default-deny closes.',
        [
          {
            apiVersion: 'security.istio.io/v1',
            kind: 'PeerAuthentication',
            metadata: { name: 'default', namespace, labels },
            spec: { mtls: { mode: 'STRICT' } },
          },
          {
            apiVersion: 'security.istio.io/v1',
            kind: 'AuthorizationPolicy',
            metadata: { name: 'allow-nothing', namespace, labels },
            spec: noted(
              'No rule: everything is denied. No header says who calls; the identities here are those of the mesh, not those of SPIRE.',
              {},
            ),
          },
          networkPolicy({
            name: `${nameOf(answers, 'server')}-mesh`,
            namespace,
            labels: labelsOf(answers, 'server'),
            selector: selectorOf(answers, 'server'),
            egress: [{ to: [podsIn('istio-system', { app: 'istiod' })], ports: tcp(15_012) }],
          }),
        ],
      ),
    ],
    [
      'external-spire-server.yaml',
      manifestFile(
        `A SPIRE server outside of the mesh, at ${externalServerHost(answers)}: for a mesh that lets nothing out that it does not know (REGISTRY_ONLY). Agents stay out of the mesh, which their pods say with sidecar.istio.io/inject.`,
        [
          {
            apiVersion: 'networking.istio.io/v1',
            kind: 'ServiceEntry',
            metadata: { name: 'external-spire-server', namespace, labels },
            spec: {
              hosts: [externalServerHost(answers)],
              location: 'MESH_EXTERNAL',
              resolution: 'DNS',
              exportTo: noted('For this namespace.', ['.']),
              ports: [
                {
                  number: spirePorts.server,
                  name: 'tls-spire',
                  protocol: noted('TLS from end to end. As GRPC the sidecar would wait for cleartext HTTP/2.', 'TLS'),
                },
              ],
            },
          },
        ],
      ),
    ],
  ]);
}
