// Whether workloads reach the Workload API and are known to SPIRE: the variable, the mount, the registration.
import { dirname } from 'node:path';
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import { serviceConfigOf } from './configs.ts';
import { isWhole, type KubernetesObject, objectsOf, placeOf } from './objects.ts';
import { type Container, mountAt, mountsOf, type Pod, podsOf, variableOf } from './pods.ts';
import { createRule, joined, lookAt } from './rule.ts';
import { type Labels, selects, textAt } from './values.ts';

const csi = [
  'volumes: [{ name: spiffe-workload-api, csi: { driver: csi.spiffe.io, readOnly: true } }]',
  'volumeMounts: [{ name: spiffe-workload-api, mountPath: /spiffe-workload-api, readOnly: true }]',
] as const;

function* mountFindings({ pod, container }: Workload, documents: readonly Document[]): Generator<Finding> {
  const { file, title, node } = container;
  const variable = variableOf(container, 'SPIFFE_ENDPOINT_SOCKET');
  const configured = serviceConfigOf(documents, pod, container)?.config?.socket?.endpoint;
  const address = variable?.value ?? configured;
  const mounts = mountsOf(container, pod);
  const [, path] = /^(?:unix:(?:\/\/)?)?(\/.*)$/.exec(address ?? '') ?? [];
  if (address === undefined && variable === undefined) {
    yield finding('spire.reachable.mount.no-variable', `nothing tells ${title} where the Workload API is`, {
      evidence: ['SPIFFE_ENDPOINT_SOCKET is not set'],
      mends: [mend('say it', '- { name: SPIFFE_ENDPOINT_SOCKET, value: "unix:///spiffe-workload-api/spire-agent.sock" }')],
      place: placeOf(file, node.get('env'), node),
    });
  }
  if (path === undefined) return;
  const mount = mountAt(mounts, dirname(path));
  if (mount === undefined || mount.volume?.get('emptyDir') !== undefined) {
    yield finding('spire.reachable.mount.not-mounted', `${title} has no socket at ${path}`, {
      evidence: [mount === undefined ? `nothing is mounted at ${dirname(path)}` : `what is mounted at ${mount.path} is empty`],
      mends: [mend('mount the Workload API', ...csi)],
      place: placeOf(file, variable?.node, node),
    });
    return;
  }
  const host = mount.volume?.get('hostPath');
  if (host === undefined) return;
  const type = textAt(host, 'type');
  if (type === 'DirectoryOrCreate') {
    yield finding(
      'spire.reachable.mount.directory-made',
      `where the agent is missing ${title} gets an empty directory in place of its socket`,
      {
        evidence: ['type: DirectoryOrCreate makes it, for root, and the pod starts'],
        mends: [mend('let the pod wait until the agent has made it', 'type: Directory'), mend('or mount it by the driver', ...csi)],
        place: placeOf(file, host.get('type')),
      },
    );
  }
  yield finding('spire.reachable.mount.host-path', `${title} takes the socket from a directory of its node`, {
    evidence: [`hostPath: ${textAt(host, 'path') ?? ''}; pod security refuses it to "baseline" and "restricted"`],
    mends: [mend('mount it by the driver', ...csi)],
    place: placeOf(file, host),
  });
}

interface Workload {
  readonly pod: Pod;
  readonly container: Container;
}

function workloadsOf(documents: readonly Document[]): readonly Workload[] {
  return podsOf(documents).flatMap((pod) =>
    pod.containers.filter(({ role, isInit }) => role === 'service' && !isInit).map((container) => ({ pod, container })),
  );
}

/** Where the socket is. */
export const mountRule: Rule<StaticEvidence> = createRule({
  id: 'spire.reachable.mount',
  title: 'workloads have the socket of the Workload API',
  thing: 'workload',
  look: (documents) => lookAt(workloadsOf(documents), (each) => mountFindings(each, documents)),
});

// Read by k8s-workload-registrar alone, which SPIRE 1.6 removed; and even there it was a path.
const RETIRED = 'spiffe.io/spiffe-id';

function* registrationFindings(pod: Pod, documents: readonly Document[]): Generator<Finding> {
  const { file, template, title } = pod;
  const annotation = template.get('metadata', 'annotations', RETIRED) ?? pod.object.node.get('metadata', 'annotations', RETIRED);
  const mends = [
    mend(
      'register it with the controller manager',
      'apiVersion: spire.spiffe.io/v1alpha1',
      'kind: ClusterSPIFFEID',
      `metadata: { name: ${pod.name} }`,
      'spec:',
      `  spiffeIDTemplate: "spiffe://{{ .TrustDomain }}/${pod.name}"`,
      `  namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: ${pod.namespace ?? '<namespace>'} } }`,
      '  podSelector: { matchLabels: { <labels of the pods> } }',
    ),
  ];
  if (annotation !== undefined) {
    yield finding('spire.reachable.registration.annotation', `the annotation ${RETIRED} of ${title} does nothing`, {
      evidence: ['k8s-workload-registrar read it, and is gone since SPIRE 1.6'],
      mends,
      place: placeOf(file, annotation),
    });
  }
  if (!pod.roles.has('service') || !isWhole(documents, pod)) return;
  if (objectsOf(documents, 'ClusterSPIFFEID', 'ClusterStaticEntry').some((each) => isFor(each, pod, documents))) return;
  yield finding('spire.reachable.registration.none', `SPIRE knows no identity for ${title}`, {
    evidence: ['no ClusterSPIFFEID of those given selects its pods'],
    mends,
    place: placeOf(file, pod.object.node),
  });
}

function isFor({ node, kind }: KubernetesObject, pod: Pod, documents: readonly Document[]): boolean {
  if (kind === 'ClusterStaticEntry') return true;
  const namespaces = node.get('spec', 'namespaceSelector');
  const labels: Labels = new Map([
    ...(objectsOf(documents, 'Namespace').find(({ name }) => name === pod.namespace)?.labels ?? []),
    ...(pod.namespace === undefined ? [] : [['kubernetes.io/metadata.name', pod.namespace] as const]),
  ]);
  const isIn = namespaces === undefined || pod.namespace === undefined || selects(namespaces, labels);
  const selector = node.get('spec', 'podSelector');
  return isIn && (selector === undefined || selects(selector, pod.labels));
}

/** Who is registered. */
export const registrationRule: Rule<StaticEvidence> = createRule({
  id: 'spire.reachable.registration',
  title: 'workloads are registered, and agents run',
  thing: 'workload',
  look: (documents) =>
    joined(
      lookAt(
        podsOf(documents).filter((pod) => pod.roles.has('service') || pod.template.get('metadata', 'annotations', RETIRED) !== undefined),
        (pod) => registrationFindings(pod, documents),
      ),
      lookAt(
        podsOf(documents).filter((pod) => pod.roles.has('spire-server') && isWhole(documents, pod)),
        (pod) => agentFindings(pod, documents),
      ),
    ),
});

// Servers without agents issue nothing. Where workloads are given too, the agents should be.
function* agentFindings(server: Pod, documents: readonly Document[]): Generator<Finding> {
  const pods = podsOf(documents);
  if (!pods.some(({ roles }) => roles.has('service')) || pods.some(({ roles }) => roles.has('spire-agent'))) return;
  yield finding('spire.reachable.registration.no-agents', 'nothing runs an agent on the nodes', {
    evidence: [`there are ${server.title} and workloads, and no DaemonSet of spire-agent`],
    mends: [mend('run one on every node: deploy/kubernetes/spire, or the Helm chart of SPIRE')],
    place: placeOf(server.file, server.object.node),
  });
}
