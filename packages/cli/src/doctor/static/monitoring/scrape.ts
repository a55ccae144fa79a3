// Whether monitors select what is there, by labels and ports that it has, and keep the labels that rules ask for.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import { type KubernetesObject, mayShareNamespace, objectsOf, placeOf, titleOf } from '../manifests/objects.ts';
import { type Pod, podsOf, portsOf } from '../manifests/pods.ts';
import { createRule, joined, lookAt } from '../manifests/rule.ts';
import { isTrue, itemsAt, labelsAt, selects, showLabels, textAt, textsAt } from '../manifests/values.ts';

/** Whether a monitor looks into the namespace of an object. */
function looksAt(monitor: KubernetesObject, object: { readonly namespace: string | undefined }): boolean {
  if (isTrue(monitor.node, 'spec', 'namespaceSelector', 'any')) return true;
  const names = textsAt(monitor.node, 'spec', 'namespaceSelector', 'matchNames');
  return names.length === 0 ? mayShareNamespace(monitor, object) : object.namespace === undefined || names.includes(object.namespace);
}

function* serviceMonitorFindings(monitor: KubernetesObject, documents: readonly Document[]): Generator<Finding> {
  const { file, node } = monitor;
  const title = titleOf(monitor);
  const selector = node.get('spec', 'selector');
  const services = objectsOf(documents, 'Service').filter((each) => looksAt(monitor, each));
  const selected = services.filter(({ labels }) => selects(selector, labels));
  if (services.length > 0 && selected.length === 0) {
    yield finding('observability.wired.scrape.no-target', `${title} selects no Service, and nothing says so`, {
      evidence: [
        `it asks for ${showLabels(labelsAt(selector, 'matchLabels') ?? new Map())}`,
        ...services.map((each) => `${titleOf(each)} has ${showLabels(each.labels)}`),
      ],
      mends: [
        mend(
          'label the Service: a monitor selects by its labels, not by those of pods',
          'metadata:',
          '  labels: { <what the monitor asks for> }',
        ),
      ],
      place: placeOf(file, selector, node),
    });
  }
  const ports = new Set(
    (selected.length > 0 ? selected : services).flatMap((each) =>
      itemsAt(each.node, 'spec', 'ports').flatMap((port) => textAt(port, 'name') ?? []),
    ),
  );
  for (const endpoint of itemsAt(node, 'spec', 'endpoints')) {
    const port = endpoint.get('port');
    if (services.length > 0 && port !== undefined && !ports.has(port.text() ?? '')) {
      yield finding('observability.wired.scrape.no-port', `${title} scrapes the port ${port.text() ?? ''}, which no Service here has`, {
        evidence: [ports.size === 0 ? 'they name no ports' : `they have ${[...ports].join(', ')}`],
        mends: [mend('name a port of the Service; of SPIRE and of databases, scrape the pods by a PodMonitor')],
        place: placeOf(file, port),
      });
    }
    if (isTrue(endpoint, 'honorLabels') || !isOfService(monitor, selected, documents)) continue;
    yield finding('observability.wired.scrape.labels-renamed', `${title} overwrites the label "service" of the metrics`, {
      evidence: [
        'without honorLabels it is the name of the Service of Kubernetes, and the name that the service gives itself is exported_service',
      ],
      mends: [mend('keep what the service says', 'honorLabels: true')],
      place: placeOf(file, endpoint),
    });
  }
}

// Our services label their metrics themselves. Whether one is behind a monitor, its pods say.
function isOfService(monitor: KubernetesObject, services: readonly KubernetesObject[], documents: readonly Document[]): boolean {
  const pods = podsOf(documents).filter((pod) => pod.roles.has('service') && looksAt(monitor, pod));
  const isBehind = (pod: Pod): boolean =>
    selects(monitor.node.get('spec', 'selector'), pod.labels) ||
    services.some(({ node }) => [...(labelsAt(node, 'spec', 'selector') ?? [])].every(([key, value]) => pod.labels.get(key) === value));
  return pods.some(isBehind);
}

function* podMonitorFindings(monitor: KubernetesObject, documents: readonly Document[]): Generator<Finding> {
  const { file, node } = monitor;
  const title = titleOf(monitor);
  const selector = node.get('spec', 'selector');
  // The pods of a database are made by its operator.
  if ([...(labelsAt(selector, 'matchLabels') ?? [])].some(([key]) => key.startsWith('cnpg.io/'))) return;
  const pods = podsOf(documents).filter((each) => looksAt(monitor, each));
  if (pods.length === 0) return;
  const selected = pods.filter(({ labels }) => selects(selector, labels));
  if (selected.length === 0) {
    yield finding('observability.wired.scrape.no-target', `${title} selects no pods, and nothing says so`, {
      evidence: [
        `it asks for ${showLabels(labelsAt(selector, 'matchLabels') ?? new Map())}`,
        ...pods.map((each) => `${each.title} has ${showLabels(each.labels)}`),
      ],
      mends: [mend('ask for labels that the pods have', 'selector: { matchLabels: { <labels of the pods> } }')],
      place: placeOf(file, selector, node),
    });
    return;
  }
  const ports = new Set(selected.flatMap(({ containers }) => containers.flatMap(portsOf)).flatMap(({ name }) => name ?? []));
  for (const endpoint of itemsAt(node, 'spec', 'podMetricsEndpoints')) {
    const port = endpoint.get('port');
    if (port === undefined || ports.has(port.text() ?? '')) continue;
    yield finding('observability.wired.scrape.no-port', `${title} scrapes the port ${port.text() ?? ''}, which no container here has`, {
      evidence: [ports.size === 0 ? 'they name no ports' : `they have ${[...ports].join(', ')}`],
      mends: [mend('name the port in the container', `ports: [{ name: ${port.text() ?? 'metrics'}, containerPort: <port> }]`)],
      place: placeOf(file, port),
    });
  }
}

/** Monitors. */
export const scrapeRule: Rule<StaticEvidence> = createRule({
  id: 'observability.wired.scrape',
  title: 'monitors select what is there',
  thing: 'monitor, or Service with metrics',
  things: 'monitors, or Services with metrics',
  look: (documents) =>
    joined(
      lookAt(objectsOf(documents, 'ServiceMonitor'), (each) => serviceMonitorFindings(each, documents)),
      lookAt(objectsOf(documents, 'PodMonitor'), (each) => podMonitorFindings(each, documents)),
      lookAt(
        objectsOf(documents, 'Service').filter(({ node }) =>
          itemsAt(node, 'spec', 'ports').some((port) => textAt(port, 'name') === 'metrics'),
        ),
        function* (service): Generator<Finding> {
          if (service.labels.size > 0) return;
          yield finding('observability.wired.scrape.unlabelled', `no ServiceMonitor can select ${titleOf(service)}`, {
            evidence: ['it has metrics and no labels, and a ServiceMonitor selects by those'],
            mends: [mend('label it as its pods', 'metadata:', '  labels: { <labels of the pods> }')],
            place: placeOf(service.file, service.node.get('metadata'), service.node),
          });
        },
      ),
    ),
});
