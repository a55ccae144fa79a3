// Whether what scales and what evicts does it well, and replicas stand apart.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import { isWhole, type KubernetesObject, mayShareNamespace, objectsOf, placeOf, refersTo, titleOf } from './objects.ts';
import { type Pod, podsOf } from './pods.ts';
import { createRule, joined, lookAt } from './rule.ts';
import { itemsAt, numberAt, parseQuantity, selects, textAt } from './values.ts';

/** A target in millicores that less than a few handshakes reach (measured: 1.64 ms of CPU each). */
const LEAST_TARGET = 0.1;

function* autoscalerFindings(scaler: KubernetesObject, documents: readonly Document[]): Generator<Finding> {
  const { node, file, title } = { ...scaler, title: titleOf(scaler) };
  const target = podsOf(documents).find(
    (pod) => refersTo(node.get('spec', 'scaleTargetRef'), pod.object) && mayShareNamespace(pod, scaler),
  );
  const metrics = itemsAt(node, 'spec', 'metrics').filter((each) => textAt(each, 'type') === 'Resource');
  const memory = metrics.find((each) => textAt(each, 'resource', 'name') === 'memory');
  if (memory !== undefined) {
    yield finding('resources.set.scaling.on-memory', `${title} scales on memory, which Node.js does not give back`, {
      evidence: ['a heap that has grown stays: there are more pods after every peak, and never fewer'],
      mends: [mend('scale on CPU alone, or on a metric of your own')],
      place: placeOf(file, memory),
    });
  }
  if (target === undefined) return;
  const replicas = target.object.node.get('spec', 'replicas');
  if (replicas !== undefined) {
    yield finding('resources.set.scaling.replicas-fixed', `${target.title} fixes the number of pods that ${title} is to find`, {
      evidence: [`replicas: ${replicas.text() ?? ''}: each time that it is applied, the pods that were added are stopped`],
      mends: [mend('take spec.replicas out; the autoscaler has minReplicas')],
      place: placeOf(target.file, replicas),
    });
  }
  const cpu = metrics.find((each) => textAt(each, 'resource', 'name') === 'cpu');
  const percent = numberAt(cpu, 'resource', 'target', 'averageUtilization');
  const request = target.containers.find(({ isInit }) => !isInit)?.node.get('resources', 'requests', 'cpu');
  const cores = parseQuantity(request?.text());
  if (percent !== undefined && cores !== undefined && (percent * cores) / 100 < LEAST_TARGET) {
    yield finding('resources.set.scaling.target-small', `${title} adds a pod at ${Math.round(percent * cores * 10)} thousandths of a CPU`, {
      evidence: [`${percent} % of the ${request?.text() ?? ''} that ${target.title} requests`, 'a TLS handshake takes 1.64 ms of CPU'],
      mends: [mend('request what the pod takes when it works', 'requests: { cpu: 250m }')],
      place: placeOf(target.file, request),
    });
  }
}

function* budgetFindings(budget: KubernetesObject, documents: readonly Document[]): Generator<Finding> {
  const { node, file } = budget;
  const minimum = node.get('spec', 'minAvailable');
  const number = /^\d+$/.test(minimum?.text() ?? '') ? Number(minimum?.text()) : undefined;
  const target = podsOf(documents).find((pod) => selects(node.get('spec', 'selector'), pod.labels) && mayShareNamespace(pod, budget));
  const mends = [mend('say how many may be away at once', 'maxUnavailable: 1', 'unhealthyPodEvictionPolicy: AlwaysAllow')];
  if (number !== undefined && target?.replicas !== undefined && number >= target.replicas) {
    yield finding('resources.set.scaling.never-evicted', `${titleOf(budget)} never lets a pod of ${target.title} go`, {
      evidence: [`minAvailable: ${number}, and there are ${target.replicas}: no node with one of them can be drained`],
      mends,
      place: placeOf(file, minimum),
    });
  } else if (number !== undefined) {
    yield finding('resources.set.scaling.budget-absolute', `${titleOf(budget)} counts the pods that stay, whatever their number is`, {
      evidence: [`minAvailable: ${number}: with ${number} pods or fewer no node with one of them can be drained`],
      mends,
      place: placeOf(file, minimum),
    });
  }
}

/** Autoscalers and disruption budgets. */
export const scalingRule: Rule<StaticEvidence> = createRule({
  id: 'resources.set.scaling',
  title: 'what scales and what evicts leaves enough pods',
  thing: 'autoscaler or disruption budget',
  things: 'autoscalers or disruption budgets',
  look: (documents) =>
    joined(
      lookAt(objectsOf(documents, 'HorizontalPodAutoscaler'), (each) => autoscalerFindings(each, documents)),
      lookAt(objectsOf(documents, 'PodDisruptionBudget'), (each) => budgetFindings(each, documents)),
    ),
});

function* spreadFindings(pod: Pod, documents: readonly Document[]): Generator<Finding> {
  const { file, spec, title, namespace } = pod;
  for (const toleration of itemsAt(spec, 'tolerations')) {
    if (toleration.get('key') !== undefined || textAt(toleration, 'operator') !== 'Exists') continue;
    // An agent has to be on every node.
    if (pod.kind === 'DaemonSet') continue;
    yield finding('resources.set.spread.tolerates-all', `${title} may run on every node, those of the control plane too`, {
      evidence: ['a toleration without a key takes every taint'],
      mends: [mend('take it out, or name the taint', '- key: <taint>', '  operator: Exists', '  effect: NoSchedule')],
      place: placeOf(file, toleration),
    });
  }
  if (!isReplicated(pod, documents)) return;
  if (itemsAt(spec, 'topologySpreadConstraints').length === 0 && spec.get('affinity', 'podAntiAffinity') === undefined) {
    yield finding('resources.set.spread.not-spread', `the pods of ${title} may all be on one node`, {
      evidence: ['there are neither topologySpreadConstraints nor podAntiAffinity'],
      mends: [
        mend(
          'spread them',
          'topologySpreadConstraints:',
          '  - maxSkew: 1',
          '    topologyKey: kubernetes.io/hostname',
          '    whenUnsatisfiable: ScheduleAnyway',
          '    labelSelector: { matchLabels: { <the labels of the pods> } }',
        ),
      ],
      place: placeOf(file, pod.object.node.get('spec', 'replicas'), spec),
    });
  }
  const budgets = objectsOf(documents, 'PodDisruptionBudget').filter((each) => mayShareNamespace(each, pod));
  if (isWhole(documents, { namespace }) && !budgets.some((each) => selects(each.node.get('spec', 'selector'), pod.labels))) {
    yield finding('resources.set.spread.no-budget', `all pods of ${title} may be evicted at once`, {
      evidence: ['no PodDisruptionBudget selects them'],
      mends: [
        mend(
          'make one',
          'spec:',
          '  maxUnavailable: 1',
          '  unhealthyPodEvictionPolicy: AlwaysAllow',
          '  selector: { matchLabels: { <the labels of the pods> } }',
        ),
      ],
      place: placeOf(file, pod.object.node),
    });
  }
}

function isReplicated(pod: Pod, documents: readonly Document[]): boolean {
  if (pod.kind !== 'Deployment' && pod.kind !== 'StatefulSet') return false;
  const scaled = objectsOf(documents, 'HorizontalPodAutoscaler').some(
    (each) => refersTo(each.node.get('spec', 'scaleTargetRef'), pod.object) && mayShareNamespace(each, pod),
  );
  return scaled || (pod.replicas ?? 1) > 1;
}

/** Where pods may run. */
export const spreadRule: Rule<StaticEvidence> = createRule({
  id: 'resources.set.spread',
  title: 'replicas stand on different nodes, and only where they should',
  thing: 'workload',
  look: (documents) => lookAt(podsOf(documents), (pod) => spreadFindings(pod, documents)),
});
