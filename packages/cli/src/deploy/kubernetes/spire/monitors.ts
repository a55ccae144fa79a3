// What Prometheus has to know about SPIRE, for prometheus-operator.
import { DEFAULT_MONITORING } from '../../monitoring/monitoring.ts';
import { createPace } from '../../monitoring/pace.ts';
import { spireRules } from '../../monitoring/spire-rules.ts';
import { noted } from '../../project/write-yaml.ts';
import { kustomizationFile, type Manifest, manifestFile } from '../manifest.ts';
import { AGENT_NAMESPACE, names, SERVER_NAMESPACE } from '../places.ts';
import { prometheusRule } from '../rules.ts';
import { labelsOf, labelsOfAll, METRICS_PORT, PROGRAM_LABEL, programSelector } from './labels.ts';

/** The files of spire/monitoring, by name. */
export function monitoringFiles(): ReadonlyMap<string, string> {
  return new Map([
    [
      'kustomization.yaml',
      kustomizationFile(
        'What Prometheus has to know about SPIRE, for the Helm chart too: the rules ask for jobs by names of ours. Needs prometheus-operator.',
        {
          resources: ['monitors.yaml', 'rules.yaml'],
        },
      ),
    ],
    ['monitors.yaml', monitorsFile()],
    ['rules.yaml', rulesFile()],
  ]);
}

function monitorsFile(): string {
  return manifestFile('What Prometheus scrapes of SPIRE: each pod, since a Service of agents would be one more way to them.', [
    podMonitor('server', SERVER_NAMESPACE),
    podMonitor('agent', AGENT_NAMESPACE),
  ]);
}

function rulesFile(): string {
  return manifestFile('What needs somebody about SPIRE. The same rules as deploy/monitoring/spire.rules.yml, which are tested there.', [
    prometheusRule({ name: 'spire', namespace: SERVER_NAMESPACE, labels: labelsOfAll }, spireRules(DEFAULT_MONITORING, createPace())),
  ]);
}

function podMonitor(program: 'server' | 'agent', namespace: string): Manifest {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: { name: names[program], namespace, labels: labelsOf(program) },
    spec: {
      jobLabel: noted('The rules ask for the jobs spire-server and spire-agent.', PROGRAM_LABEL),
      selector: { matchLabels: programSelector(program) },
      podMetricsEndpoints: [{ port: METRICS_PORT, path: '/metrics', interval: DEFAULT_MONITORING.interval }],
    },
  };
}
