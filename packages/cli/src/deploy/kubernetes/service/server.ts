// Answers in; the server out: its service account, Deployment and Service.
import { noted, type YamlMapping } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { type Labels, type Manifest, manifestFile, restrictedContainer, serviceAccount } from '../manifest.ts';
import { memory, ports, shutdown } from '../places.ts';
import { environment, mounts, podHead, volumes } from './pod.ts';
import { labelsOf, nameOf, selectorOf } from './workloads.ts';

/** The label of the Service that says as which job Prometheus scrapes it: the rules ask for that name. */
export const JOB_LABEL = 'prometheus-job';

/** base/server.yaml */
export function serverFile(answers: ClusterAnswers, job: string): string {
  const name = nameOf(answers, 'server');
  return manifestFile(`${name}: three or more pods, as the HorizontalPodAutoscaler says, and the name that others find them by.`, [
    serviceAccount(name, answers.service, labelsOf(answers, 'server')),
    deployment(answers),
    service(answers, job),
  ]);
}

function deployment(answers: ClusterAnswers): Manifest {
  const name = nameOf(answers, 'server');
  const selector = selectorOf(answers, 'server');
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: answers.service, labels: labelsOf(answers, 'server') },
    spec: {
      strategy: noted('No replicas: the HorizontalPodAutoscaler owns them, and each apply would set them back.', {
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
      }),
      revisionHistoryLimit: 5,
      selector: { matchLabels: selector },
      template: {
        metadata: { labels: labelsOf(answers, 'server') },
        spec: {
          ...podHead(name),
          terminationGracePeriodSeconds: noted(
            `More than the ${shutdown.delay} s and ${shutdown.deadline} s that the configuration gives it to drain, and as its grace_period.`,
            shutdown.grace,
          ),
          topologySpreadConstraints: [spread('kubernetes.io/hostname', selector), spread('topology.kubernetes.io/zone', selector)],
          containers: [
            {
              name,
              image: answers.image,
              args: ['serve'],
              ports: [
                {
                  name: noted(
                    'gRPC and HTTP behind mTLS. Not called grpc: what looks at names (a mesh, an ingress) would take it for cleartext.',
                    'https',
                  ),
                  containerPort: ports.calls,
                },
                { name: 'health', containerPort: ports.health },
                { name: 'metrics', containerPort: ports.metrics },
              ],
              env: environment,
              ...probes(),
              resources: {
                requests: noted(
                  'No CPU limit: a quota stops the process in the middle of handshakes while the node is idle. One handshake is 1.6 ms of CPU, so this is 150 a second.',
                  { cpu: '250m', memory: memory.request },
                ),
                limits: { memory: memory.limit },
              },
              securityContext: restrictedContainer,
              volumeMounts: mounts,
            },
          ],
          volumes: volumes(name),
        },
      },
    },
  };
}

// On the plaintext port: kubelet has no identity, so on the mTLS port each probe would fail.
function probes(): YamlMapping {
  const probe = (path: string, times: YamlMapping): YamlMapping => ({ httpGet: { path, port: 'health' }, ...times });
  return {
    startupProbe: noted(
      'Ready once. Five minutes: the first identity needs an entry, an agent and a server, and a restart mends none of them.',
      probe('/startupz', { periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 150 }),
    ),
    livenessProbe: noted(
      'Whether the process answers, and nothing else: with an agent that is away in it, each outage of it would restart every pod.',
      probe('/livez', { periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3 }),
    ),
    readinessProbe: noted(
      'An identity and a trust bundle that are valid now, and open ports.',
      probe('/readyz', { periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 }),
    ),
  };
}

function spread(topologyKey: string, selector: Labels): YamlMapping {
  return { maxSkew: 1, topologyKey, whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: selector } };
}

function service(answers: ClusterAnswers, job: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: nameOf(answers, 'server'),
      namespace: answers.service,
      labels: {
        ...labelsOf(answers, 'server'),
        [JOB_LABEL]: noted('The ServiceMonitor selects by these labels, and takes the name of the job from this one.', job),
      },
    },
    spec: {
      selector: selectorOf(answers, 'server'),
      ports: [
        { name: 'https', appProtocol: 'https', port: ports.calls, targetPort: 'https' },
        { name: 'metrics', port: ports.metrics, targetPort: 'metrics' },
      ],
    },
  };
}
