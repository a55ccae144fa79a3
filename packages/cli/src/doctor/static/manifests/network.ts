// Whether network policies cover what runs, admit whom they mean, and let through what it needs.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import type { YamlNode } from '../../documents/yaml-node.ts';
import { isWhole, type KubernetesObject, mayShareNamespace, namespaceLabels, objectsOf, placeOf, titleOf } from './objects.ts';
import { type Pod, podsOf, portsOf } from './pods.ts';
import { createRule, lookAt } from './rule.ts';
import { itemsAt, type Labels, labelsAt, selects, textAt, textsAt } from './values.ts';

const DNS = 53;

type Direction = 'Ingress' | 'Egress';

function policiesOf(documents: readonly Document[]): readonly KubernetesObject[] {
  return objectsOf(documents, 'NetworkPolicy').filter(({ group }) => group === 'networking.k8s.io');
}

/** Whether a policy speaks of a direction: of ingress always, unless it says otherwise; of egress when there is a rule of it. */
function speaksOf({ node }: KubernetesObject, direction: Direction): boolean {
  const types = textsAt(node, 'spec', 'policyTypes');
  if (types.length > 0) return types.includes(direction);
  return direction === 'Ingress' || node.get('spec', 'egress') !== undefined;
}

function policiesFor(documents: readonly Document[], target: Target, direction: Direction): readonly KubernetesObject[] {
  return policiesOf(documents).filter(
    (policy) =>
      speaksOf(policy, direction) && mayShareNamespace(policy, target) && selects(policy.node.get('spec', 'podSelector'), target.labels),
  );
}

/** What policies are about. */
interface Target {
  readonly title: string;
  readonly labels: Labels;
  readonly namespace: string | undefined;
}

/** Whether every workload has a policy. */
export const coverageRule: Rule<StaticEvidence> = createRule({
  id: 'network.policy.coverage',
  title: 'every workload has network policies',
  thing: 'workload with its namespace',
  things: 'workloads with their namespaces',
  look: (documents) =>
    lookAt(
      podsOf(documents).filter((pod) => isWhole(documents, pod) && !isOnHost(pod)),
      function* (pod) {
        if (policiesFor(documents, pod, 'Ingress').length > 0) return;
        yield finding('network.policy.coverage.missing', `anybody may connect to the pods of ${pod.title}`, {
          evidence: ['no NetworkPolicy of those given selects them'],
          mends: [
            mend(
              'deny everything in the namespace, and allow what is meant',
              'kind: NetworkPolicy',
              `metadata: { name: default-deny, namespace: ${pod.namespace ?? '<namespace>'} }`,
              'spec: { podSelector: {}, policyTypes: [Ingress, Egress] }',
            ),
          ],
          place: placeOf(pod.file, pod.object.node),
        });
      },
    ),
});

// What is on the network of its node is not what policies are about.
function isOnHost({ spec }: Pod): boolean {
  return textAt(spec, 'hostNetwork') === 'true';
}

const SIDES = [
  ['ingress', 'from'],
  ['egress', 'to'],
] as const;

function* peerFindings(policy: KubernetesObject, documents: readonly Document[]): Generator<Finding> {
  const { node, file } = policy;
  for (const [list, key] of SIDES) {
    for (const rule of itemsAt(node, 'spec', list)) {
      const peers = rule.get(key);
      if (peers === undefined) continue;
      if (peers.items().length === 0) {
        yield finding('network.policy.peers.everybody', `${titleOf(policy)}: an empty "${key}" is everybody`, {
          evidence: [`${key}: [] is the same as no ${key} at all: every address in and outside of the cluster`],
          mends: [
            mend('name who is meant', `${key}:`, '  - namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: <namespace> } }'),
          ],
          place: placeOf(file, peers),
        });
      }
      yield* alternatives(policy, peers);
      for (const peer of peers.items()) yield* labelFindings(policy, peer, documents);
    }
  }
}

// [{ namespaceSelector }, { podSelector }] is a list of two: all of the namespace, and those pods here. Meant is mostly one with both.
function* alternatives(policy: KubernetesObject, peers: YamlNode): Generator<Finding> {
  const wide = peers.items().find((each) => each.get('namespaceSelector') !== undefined && each.get('podSelector') === undefined);
  const narrow = peers.items().find((each) => each.get('podSelector') !== undefined && each.get('namespaceSelector') === undefined);
  if (wide === undefined || narrow === undefined) return;
  yield finding('network.policy.peers.or-for-and', `${titleOf(policy)} admits every pod of a namespace, beside those that it selects`, {
    evidence: ['two elements of the list are two ways in; in one element both have to hold'],
    mends: [
      mend(
        'put both into one element',
        '- namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: <namespace> } }',
        '  podSelector: { matchLabels: { <labels of the pods> } }',
      ),
    ],
    place: placeOf(policy.file, wide),
  });
}

// Kubernetes gives a namespace kubernetes.io/metadata.name, and no label "name".
function* labelFindings(policy: KubernetesObject, peer: YamlNode, documents: readonly Document[]): Generator<Finding> {
  const label = peer.get('namespaceSelector', 'matchLabels', 'name');
  const wanted = label?.text();
  if (label === undefined || wanted === undefined) return;
  if (objectsOf(documents, 'Namespace').some(({ labels }) => labels.get('name') === wanted)) return;
  if (namespaceLabels(documents, wanted)?.has('name') === true) return;
  yield finding('network.policy.peers.label-unset', `${titleOf(policy)} asks for a label "name" that Kubernetes does not set`, {
    evidence: [`namespaceSelector: name: ${wanted}; no namespace given has it, so nobody fits`],
    mends: [mend('ask for the label that every namespace has', `kubernetes.io/metadata.name: ${wanted}`)],
    place: placeOf(policy.file, label),
  });
}

/** Whom policies admit. */
export const peersRule: Rule<StaticEvidence> = createRule({
  id: 'network.policy.peers',
  title: 'policies admit whom they mean',
  thing: 'NetworkPolicy',
  things: 'NetworkPolicies',
  look: (documents) => lookAt(policiesOf(documents), (policy) => peerFindings(policy, documents)),
});

// What policies select: the workloads; for those that are not here, what the policy says of their labels.
function targetsOf(documents: readonly Document[]): readonly Target[] {
  const pods = podsOf(documents).filter((pod) => !isOnHost(pod));
  const unseen = policiesOf(documents).flatMap((policy): readonly Target[] => {
    const selector = policy.node.get('spec', 'podSelector');
    const labels = labelsAt(selector, 'matchLabels');
    if (labels === undefined || labels.size === 0) return [];
    if (pods.some((pod) => mayShareNamespace(pod, policy) && selects(selector, pod.labels))) return [];
    return [{ title: `what ${titleOf(policy)} selects`, labels, namespace: policy.namespace }];
  });
  return [...pods, ...unseen];
}

function* dnsFindings(target: Target, documents: readonly Document[]): Generator<Finding> {
  const policies = policiesFor(documents, target, 'Egress');
  const rules = policies.flatMap((policy) => itemsAt(policy.node, 'spec', 'egress').map((rule) => ({ policy, rule })));
  // Who may connect to nobody needs no names, and neither does who only knows addresses.
  const asks = rules.find(
    ({ rule }) => !itemsAt(rule, 'to').every((each) => each.get('ipBlock') !== undefined) || itemsAt(rule, 'to').length === 0,
  );
  if (asks === undefined || rules.some(({ rule }) => allowsPort(rule, [DNS]))) return;
  yield finding('network.policy.traffic.no-dns', `${target.title} cannot look up a name`, {
    evidence: [`${titleOf(asks.policy)} lets it out, and no policy lets it ask DNS (port 53)`],
    mends: [
      mend(
        'allow DNS, over UDP and TCP',
        '- to: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kube-system } } }]',
        '  ports: [{ protocol: UDP, port: 53 }, { protocol: TCP, port: 53 }]',
      ),
    ],
    place: placeOf(asks.policy.file, asks.rule, asks.policy.node),
  });
}

/** Whether a rule lets a port through, under one of its names. No ports are all ports. */
function allowsPort(rule: YamlNode, names: readonly (string | number)[]): boolean {
  const ports = itemsAt(rule, 'ports');
  if (ports.length === 0) return true;
  return ports.some((each) => {
    const port = textAt(each, 'port');
    const end = textAt(each, 'endPort');
    if (port === undefined || names.some((name) => String(name) === port)) return true;
    return end !== undefined && names.some((name) => typeof name === 'number' && name >= Number(port) && name <= Number(end));
  });
}

// A monitor finds its Service or pods, and the policies of the pods keep Prometheus out.
function* metricsFindings(pod: Pod, documents: readonly Document[]): Generator<Finding> {
  const policies = policiesFor(documents, pod, 'Ingress');
  const [first] = policies;
  if (first === undefined || isOnHost(pod)) return;
  for (const { monitor, port } of scrapesOf(pod, documents)) {
    const declared = pod.containers.flatMap(portsOf).find((each) => each.name === port || String(each.port) === port);
    const names = [port, declared?.port, declared?.name].filter((each) => each !== undefined);
    if (policies.some((policy) => itemsAt(policy.node, 'spec', 'ingress').some((rule) => allowsPort(rule, names)))) continue;
    yield finding('network.policy.traffic.no-metrics', `Prometheus cannot reach the metrics of ${pod.title}`, {
      evidence: [`${titleOf(monitor)} scrapes port ${port}, and no NetworkPolicy admits anybody to it`],
      mends: [
        mend(
          'admit Prometheus',
          '- from: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: <monitoring> } } }]',
          `  ports: [{ protocol: TCP, port: ${declared?.port ?? port} }]`,
        ),
      ],
      place: placeOf(first.file, first.node),
    });
  }
}

function scrapesOf(pod: Pod, documents: readonly Document[]): readonly { readonly monitor: KubernetesObject; readonly port: string }[] {
  const services = objectsOf(documents, 'Service').filter(
    ({ node, ...service }) => mayShareNamespace(service, pod) && isSelected(labelsAt(node, 'spec', 'selector'), pod.labels),
  );
  const byService = objectsOf(documents, 'ServiceMonitor').flatMap((monitor) => {
    if (!mayShareNamespace(monitor, pod)) return [];
    // A Service that lost the label is told by another rule; the policy is to fit all the same.
    const found = services.filter(({ labels }) => selects(monitor.node.get('spec', 'selector'), labels));
    return itemsAt(monitor.node, 'spec', 'endpoints').flatMap((endpoint) =>
      found.flatMap((service) => {
        const name = textAt(endpoint, 'port');
        const port = itemsAt(service.node, 'spec', 'ports').find((each) => name !== undefined && textAt(each, 'name') === name);
        const target = textAt(port, 'targetPort') ?? textAt(port, 'port');
        return target === undefined ? [] : [{ monitor, port: target }];
      }),
    );
  });
  const byPod = objectsOf(documents, 'PodMonitor').flatMap((monitor) => {
    if (!mayShareNamespace(monitor, pod) || !selects(monitor.node.get('spec', 'selector'), pod.labels)) return [];
    return itemsAt(monitor.node, 'spec', 'podMetricsEndpoints').flatMap((endpoint) => {
      const port = textAt(endpoint, 'port') ?? textAt(endpoint, 'portNumber');
      return port === undefined ? [] : [{ monitor, port }];
    });
  });
  return [...byService, ...byPod];
}

function isSelected(selector: Labels | undefined, labels: Labels): boolean {
  return selector !== undefined && selector.size > 0 && [...selector].every(([key, value]) => labels.get(key) === value);
}

/** What policies let through. */
export const trafficRule: Rule<StaticEvidence> = createRule({
  id: 'network.policy.traffic',
  title: 'policies let names and metrics through',
  thing: 'workload or NetworkPolicy',
  things: 'workloads or NetworkPolicies',
  look: (documents) => {
    const pods = podsOf(documents);
    const { count, findings } = lookAt(
      targetsOf(documents).filter(
        (each) => policiesFor(documents, each, 'Egress').length > 0 || policiesFor(documents, each, 'Ingress').length > 0,
      ),
      (target) => dnsFindings(target, documents),
    );
    return { count, findings: [...findings, ...pods.flatMap((pod) => [...metricsFindings(pod, documents)])] };
  },
});
