// Answers in; who may connect to whom in the namespace out.
import type { ClusterAnswers } from '../answers.ts';
import { manifestFile, podsIn, prometheus, tcp } from '../manifest.ts';
import { ports } from '../places.ts';
import { denyAllButNames, networkPolicy } from '../policies.ts';
import { labelsOf, labelsOfAll, nameOf, selectorOf } from './workloads.ts';

/** base/network.yaml */
export function networkFile(answers: ClusterAnswers): string {
  const namespace = answers.service;
  return manifestFile(
    'Who may connect to whom. Identities are checked in the handshake whatever stands here; this keeps everybody else from knocking. The Workload API is a socket on the node, which no policy is about.',
    [
      ...denyAllButNames(namespace, labelsOfAll(answers)),
      networkPolicy({
        name: nameOf(answers, 'server'),
        namespace,
        labels: labelsOf(answers, 'server'),
        selector: selectorOf(answers, 'server'),
        ingress: [
          { from: [podsIn(namespace, selectorOf(answers, 'client'))], ports: tcp(ports.calls) },
          { from: [prometheus], ports: tcp(ports.metrics) },
        ],
      }),
      networkPolicy({
        name: nameOf(answers, 'client'),
        namespace,
        labels: labelsOf(answers, 'client'),
        selector: selectorOf(answers, 'client'),
        egress: [{ to: [podsIn(namespace, selectorOf(answers, 'server'))], ports: tcp(ports.calls) }],
      }),
    ],
  );
}
