// Answers in; the component that sends traces of the server to a collector out.
import { noted } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { componentFile, manifestFile, podsIn, tcp } from '../manifest.ts';
import { COLLECTOR, memory } from '../places.ts';
import { networkPolicy } from '../policies.ts';
import { labelsOf, nameOf, selectorOf } from '../service/workloads.ts';
import { serverPatch } from './patches.ts';

/** In the image: it starts the SDK before the service, docs/service.md "Traces". */
export const INSTRUMENTATION = '/app/instrumentation.js';

/** The files, by name. */
export function openTelemetryFiles(answers: ClusterAnswers): ReadonlyMap<string, string> {
  const name = nameOf(answers, 'server');
  const endpoint = `http://${COLLECTOR.service}.${COLLECTOR.namespace}.svc:${COLLECTOR.http}`;
  return new Map([
    [
      'kustomization.yaml',
      componentFile(
        `Traces of the server, over OTLP to the Service ${COLLECTOR.service} of the namespace ${COLLECTOR.namespace}. The image has to hold ${INSTRUMENTATION}, which starts an SDK of OpenTelemetry; without that file Node.js does not start.`,
        { resources: ['network.yaml'], patches: [{ path: 'server.yaml' }] },
      ),
    ],
    [
      'server.yaml',
      manifestFile('What the SDK reads, and the SDK itself before the service.', [
        serverPatch(answers, {
          spec: {
            containers: [
              {
                name,
                env: [
                  { name: 'NODE_OPTIONS', value: `${memory.heap} --import ${INSTRUMENTATION}` },
                  {
                    name: noted(
                      'In plaintext inside of the cluster: spans name peers and routes, and hold no secret.',
                      'OTEL_EXPORTER_OTLP_ENDPOINT',
                    ),
                    value: endpoint,
                  },
                  { name: 'OTEL_EXPORTER_OTLP_PROTOCOL', value: 'http/protobuf' },
                  { name: 'OTEL_SERVICE_NAME', value: name },
                  { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                  { name: 'OTEL_RESOURCE_ATTRIBUTES', value: `k8s.namespace.name=${answers.service},k8s.pod.name=$(POD_NAME)` },
                ],
              },
            ],
          },
        }),
      ]),
    ],
    [
      'network.yaml',
      manifestFile('The way to the collector, over gRPC and HTTP.', [
        networkPolicy({
          name: `${name}-traces`,
          namespace: answers.service,
          labels: labelsOf(answers, 'server'),
          selector: selectorOf(answers, 'server'),
          egress: [
            {
              to: [podsIn(COLLECTOR.namespace, { 'app.kubernetes.io/name': 'opentelemetry-collector' })],
              ports: tcp(COLLECTOR.grpc, COLLECTOR.http),
            },
          ],
        }),
      ]),
    ],
  ]);
}
