// Answers in; how many pods of the server there are out, and how many may be away.
import { noted } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { disruptionBudget, manifestFile } from '../manifest.ts';
import { labelsOf, nameOf, selectorOf } from './workloads.ts';

/** base/scaling.yaml */
export function scalingFile(answers: ClusterAnswers): string {
  const name = nameOf(answers, 'server');
  const labels = labelsOf(answers, 'server');
  return manifestFile('How many pods of the server there are, and how many may be taken away at a time.', [
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name, namespace: answers.service, labels },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        minReplicas: 3,
        maxReplicas: 10,
        metrics: [
          noted('By CPU alone: a heap does not shrink when the load does, so by memory it would never scale down.', {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
          }),
        ],
      },
    },
    disruptionBudget(name, answers.service, { labels, selector: selectorOf(answers, 'server') }),
  ]);
}
