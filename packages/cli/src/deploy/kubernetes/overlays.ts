// Answers in; the overlays out: what a cluster for trying things has otherwise, and what one for production has.
import { noted } from '../project/write-yaml.ts';
import type { ClusterAnswers } from './answers.ts';
import { kustomizationFile, manifestFile } from './manifest.ts';
import { nameOf } from './service/workloads.ts';

/** overlays/dev */
export function devFiles(answers: ClusterAnswers): ReadonlyMap<string, string> {
  const name = nameOf(answers, 'server');
  const namespace = answers.service;
  const removed = (apiVersion: string, kind: string): string =>
    `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace} }\n$patch: delete\n`;
  return new Map([
    [
      'kustomization.yaml',
      kustomizationFile(
        'A cluster for trying things: one pod of the server, and a log that says more. Identities and policies are those of production.',
        {
          resources: ['../../base'],
          patches: [
            { path: 'server.yaml' },
            {
              patch: noted(
                'One pod needs nobody who counts pods, and a budget of one pod away would protect nothing.',
                removed('autoscaling/v2', 'HorizontalPodAutoscaler'),
              ),
            },
            { patch: removed('policy/v1', 'PodDisruptionBudget') },
          ],
        },
      ),
    ],
    [
      'server.yaml',
      manifestFile('One pod, and what it does in its log.', [
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name, namespace },
          spec: {
            replicas: 1,
            template: { spec: { containers: [{ name, env: [{ name: 'EPHEMOS_LOG_LEVEL', value: 'debug' }] }] } },
          },
        },
      ]),
    ],
  ]);
}

/** overlays/production */
export function productionFiles(answers: ClusterAnswers): ReadonlyMap<string, string> {
  const name = nameOf(answers, 'server');
  return new Map([
    [
      'kustomization.yaml',
      kustomizationFile(
        'Production: three to ten pods, which are never all on one node. Components are added here: kustomize edit add component ../../components/opentelemetry',
        {
          resources: ['../../base'],
          patches: [
            {
              target: { kind: 'Deployment', name },
              patch: noted(
                'A pod waits for a node rather than share one while another has none. By zone it stays a wish: a zone that is lost is no reason to run less.',
                '- op: replace\n  path: /spec/template/spec/topologySpreadConstraints/0/whenUnsatisfiable\n  value: DoNotSchedule\n',
              ),
            },
          ],
        },
      ),
    ],
  ]);
}
