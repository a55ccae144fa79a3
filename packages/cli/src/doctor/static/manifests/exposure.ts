// Whether a port is open to more than it has to be: load balancers, and what a mesh makes of our traffic.

import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { type KubernetesObject, objectsOf, placeOf, titleOf } from './objects.ts';
import { createRule, lookAt } from './rule.ts';
import { itemsAt, type Labels, labelsAt, textAt } from './values.ts';

const SPIRE_PORT = 8081;

/** What says that a load balancer has no address on the Internet. */
const INTERNAL: ReadonlyMap<string, string> = new Map([
  ['service.beta.kubernetes.io/aws-load-balancer-internal', 'true'],
  ['service.beta.kubernetes.io/aws-load-balancer-scheme', 'internal'],
  ['service.beta.kubernetes.io/azure-load-balancer-internal', 'true'],
  ['networking.gke.io/load-balancer-type', 'Internal'],
]);

function* balancerFindings(service: KubernetesObject): Generator<Finding> {
  const { node, file } = service;
  const title = titleOf(service);
  const annotations: Labels = labelsAt(node, 'metadata', 'annotations') ?? new Map();
  const isInternal = [...INTERNAL].some(([key, value]) => annotations.get(key)?.toLowerCase() === value.toLowerCase());
  const sources = itemsAt(node, 'spec', 'loadBalancerSourceRanges').map((each) => each.text() ?? '');
  if (!isInternal && (sources.length === 0 || sources.some((each) => /\/0$/.test(each)))) {
    yield finding('network.policy.exposure.load-balancer', `${title} may be reached by everybody`, {
      evidence: [
        sources.length === 0 ? 'it is a LoadBalancer without loadBalancerSourceRanges' : `loadBalancerSourceRanges: ${sources.join(', ')}`,
      ],
      mends: [mend('name the networks that may reach it', 'loadBalancerSourceRanges: [10.0.0.0/8]')],
      place: placeOf(file, node.get('spec', 'loadBalancerSourceRanges'), node.get('spec', 'type'), node),
    });
  }
  const ports = itemsAt(node, 'spec', 'ports');
  const isSpire = ports.some((each) => textAt(each, 'port') === String(SPIRE_PORT)) && /spire/.test(service.name);
  if (isSpire && textAt(node, 'spec', 'externalTrafficPolicy') !== 'Local') {
    yield finding('network.policy.exposure.source-lost', `${title} hides from SPIRE who attests`, {
      evidence: ['SPIRE admits one attestation a second from one address, and sees that of a node: externalTrafficPolicy is not Local'],
      mends: [mend('keep the address of the caller', 'externalTrafficPolicy: Local')],
      place: placeOf(file, node.get('spec', 'externalTrafficPolicy'), node.get('spec', 'type'), node),
    });
  }
  const plain = ports.find((each) => /metrics|health|probe/.test(textAt(each, 'name') ?? ''));
  if (plain !== undefined) {
    yield finding('network.policy.exposure.plaintext', `${title} opens a plaintext port outside of the cluster`, {
      evidence: [`port ${textAt(plain, 'name') ?? ''} has no identities: whoever reaches it may read it`],
      mends: [mend('leave it out of this Service, and scrape it within the cluster')],
      place: placeOf(file, plain),
    });
  }
}

/** What is reachable from outside. */
export const exposureRule: Rule<StaticEvidence> = createRule({
  id: 'network.policy.exposure',
  title: 'load balancers are for those who are meant',
  thing: 'Service outside of the cluster',
  things: 'Services outside of the cluster',
  look: (documents) =>
    lookAt(
      objectsOf(documents, 'Service').filter(({ node }) => /^(LoadBalancer|NodePort)$/.test(textAt(node, 'spec', 'type') ?? '')),
      function* (service) {
        if (textAt(service.node, 'spec', 'type') === 'LoadBalancer') yield* balancerFindings(service);
      },
    ),
});

function* meshFindings(object: KubernetesObject): Generator<Finding> {
  const { node, file, version, kind } = object;
  const title = titleOf(object);
  if (/alpha|beta/.test(version)) {
    yield finding('network.policy.mesh.api-version', `${title} uses ${object.group}/${version}`, {
      evidence: ['the API is stable since Istio 1.22'],
      mends: [mend('use the stable one', `apiVersion: ${object.group}/v1`)],
      place: placeOf(file, node.get('apiVersion')),
    });
  }
  if (kind === 'ServiceEntry') yield* entryFindings(object);
  else yield* headerFindings(object);
}

function* entryFindings({ node, file, ...object }: KubernetesObject): Generator<Finding> {
  const title = titleOf(object);
  for (const port of itemsAt(node, 'spec', 'ports')) {
    const isSpire =
      textAt(port, 'number') === String(SPIRE_PORT) ||
      [object.name, ...itemsAt(node, 'spec', 'hosts').map((each) => each.text() ?? '')].some((each) => /spire/.test(each));
    const protocol = textAt(port, 'protocol') ?? '';
    if (!isSpire || !/^(grpc|http|http2|grpc-web)$/i.test(protocol)) continue;
    yield finding('network.policy.mesh.protocol', `${title} takes SPIRE for cleartext ${protocol}`, {
      evidence: ['SPIRE speaks TLS from end to end: a sidecar that waits for HTTP/2 breaks it off'],
      mends: [mend('pass it through', 'protocol: TLS')],
      place: placeOf(file, port.get('protocol')),
    });
  }
  if (node.get('spec', 'resolution') !== undefined) return;
  yield finding('network.policy.mesh.no-resolution', `${title} does not say how its hosts are found`, {
    evidence: ['without resolution it is NONE: the address that the caller chose is believed'],
    mends: [mend('look the hosts up', 'resolution: DNS')],
    place: placeOf(file, node.get('spec', 'hosts'), node),
  });
}

// A header says what its sender likes, and within our mTLS no sidecar can read one.
function* headerFindings({ node, file, ...object }: KubernetesObject): Generator<Finding> {
  for (const route of itemsAt(node, 'spec', 'http')) {
    for (const match of itemsAt(route, 'match')) {
      for (const [name, at] of match.get('headers')?.entries() ?? []) {
        if (!/spiffe|client-cert|peer-id|identity/i.test(name)) continue;
        yield finding('network.policy.mesh.header-identity', `${titleOf(object)} believes the header ${name}`, {
          evidence: ['nobody sets it, anybody may, and a route that does not match is not a denial'],
          mends: [
            mend('decide by the certificate, in the service', 'authorized_clients: [spiffe://<trust domain>/<caller>]'),
            mend('keep the port away from the sidecar', 'traffic.sidecar.istio.io/excludeInboundPorts: "8080"'),
          ],
          place: placeOf(file, at),
        });
      }
    }
  }
}

/** What a mesh makes of our traffic. */
export const meshRule: Rule<StaticEvidence> = createRule({
  id: 'network.policy.mesh',
  title: 'a mesh leaves our mTLS alone',
  thing: 'ServiceEntry or VirtualService',
  things: 'ServiceEntries or VirtualServices',
  look: (documents) =>
    lookAt(
      objectsOf(documents, 'ServiceEntry', 'VirtualService').filter(({ group }) => group === 'networking.istio.io'),
      meshFindings,
    ),
});
