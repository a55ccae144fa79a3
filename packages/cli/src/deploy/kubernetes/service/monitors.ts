// Answers in; what Prometheus has to know about the server out, for prometheus-operator.
import { DEFAULT_MONITORING } from '../../monitoring/monitoring.ts';
import { createPace } from '../../monitoring/pace.ts';
import { serviceRules } from '../../monitoring/service-rules.ts';
import { noted } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { manifestFile } from '../manifest.ts';
import { prometheusRule } from '../rules.ts';
import { JOB_LABEL } from './server.ts';
import { labelsOf, nameOf, selectorOf } from './workloads.ts';

/** base/monitor.yaml */
export function monitorFile(answers: ClusterAnswers): string {
  const name = nameOf(answers, 'server');
  return manifestFile(
    'What Prometheus scrapes. Many installations look only at monitors and rules that have a label of theirs: README.md, "Monitoring".',
    [
      {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'ServiceMonitor',
        metadata: { name, namespace: answers.service, labels: labelsOf(answers, 'server') },
        spec: {
          jobLabel: JOB_LABEL,
          selector: { matchLabels: selectorOf(answers, 'server') },
          endpoints: [
            {
              port: 'metrics',
              path: '/metrics',
              interval: DEFAULT_MONITORING.interval,
              honorLabels: noted(
                'The service says itself how it is called; without it the label "service" would be the Service of Kubernetes.',
                true,
              ),
            },
          ],
        },
      },
    ],
  );
}

/** base/rules.yaml */
export function rulesFile(answers: ClusterAnswers): string {
  const metadata = { name: nameOf(answers, 'server'), namespace: answers.service, labels: labelsOf(answers, 'server') };
  return manifestFile(
    'What needs somebody about services. The same rules as deploy/monitoring/ephemos.rules.yml, which are tested there.',
    [prometheusRule(metadata, serviceRules(DEFAULT_MONITORING, createPace()))],
  );
}
