// Answers in; the client out: a CronJob that calls the server as any caller would, and fails when that does not work.
import { noted } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { manifestFile, restrictedContainer, serviceAccount } from '../manifest.ts';
import { memory, ports, programs } from '../places.ts';
import { environment, mounts, podHead, volumes } from './pod.ts';
import { labelsOf, nameOf } from './workloads.ts';

/** base/client.yaml */
export function clientFile(answers: ClusterAnswers): string {
  const [name, server] = [nameOf(answers, 'client'), nameOf(answers, 'server')];
  const labels = labelsOf(answers, 'client');
  return manifestFile(
    `${name}: calls ${server} every five minutes with an identity of its own. A Job that failed says that callers get nothing; your callers have the same service account, volume and policy each.`,
    [
      serviceAccount(name, answers.service, labels),
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name, namespace: answers.service, labels },
        spec: {
          schedule: '*/5 * * * *',
          concurrencyPolicy: 'Forbid',
          startingDeadlineSeconds: 120,
          successfulJobsHistoryLimit: 1,
          failedJobsHistoryLimit: 3,
          jobTemplate: {
            metadata: { labels },
            spec: {
              backoffLimit: 2,
              activeDeadlineSeconds: 180,
              template: {
                metadata: { labels },
                spec: {
                  ...podHead(name),
                  restartPolicy: 'Never',
                  terminationGracePeriodSeconds: 10,
                  containers: [
                    {
                      name,
                      image: answers.image,
                      command: [programs.node, programs.client],
                      args: noted('30 s: an entry for a new pod is with its agent after ten at the most.', [
                        'hello',
                        '--server',
                        `${server}:${ports.calls}`,
                        '--timeout',
                        '30',
                      ]),
                      env: environment,
                      resources: { requests: { cpu: '50m', memory: memory.request }, limits: { memory: memory.limit } },
                      securityContext: restrictedContainer,
                      volumeMounts: mounts,
                    },
                  ],
                  volumes: volumes(name),
                },
              },
            },
          },
        },
      },
    ],
  );
}
