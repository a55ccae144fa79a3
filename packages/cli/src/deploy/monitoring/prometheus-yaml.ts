// What is monitored in; the configurations of Prometheus and of Alertmanager out.
import { jsonText } from '../../output/text.ts';
import type { Monitoring } from './monitoring.ts';

/** Alerts that say nothing new while another one fires for the same labels. */
const INHIBITIONS: readonly {
  readonly source: readonly string[];
  readonly target: readonly string[];
  readonly equal: readonly string[];
}[] = [
  { source: ['CertificateExpiringSoon'], target: ['CertificateNotRotating'], equal: ['namespace', 'job', 'instance'] },
  { source: ['SPIREAgentDown'], target: ['CertificateNotRotating'], equal: ['namespace', 'job', 'instance'] },
  // An agent that grants no identity is none that one is connected to.
  { source: ['EphemosNoSVID'], target: ['EphemosNotReady', 'SPIREAgentDown'], equal: ['namespace', 'job', 'instance'] },
  { source: ['EphemosTargetDown'], target: ['EphemosMetricsAbsent'], equal: ['job'] },
  { source: ['SPIREServerTargetDown', 'SPIREAgentTargetDown'], target: ['SPIREMetricsAbsent'], equal: ['job'] },
  { source: ['SPIREServerTargetDown'], target: ['SPIREAgentSyncFailing'], equal: ['namespace'] },
];

/** prometheus.yml. */
export function prometheusYaml({ jobs, targets, interval, alertmanagers }: Monitoring, ruleFiles: readonly string[]): string {
  const list = (values: readonly string[]): string => `[${values.map((value) => jsonText(value)).join(', ')}]`;
  return `# Prometheus for Ephemos services and the SPIRE under them. Change the targets; keep the names of the jobs, the rules ask for them.
global:
  scrape_interval: ${interval}
  evaluation_interval: ${interval}

rule_files:
${ruleFiles.map((file) => `  - ${file}`).join('\n')}

alerting:
  alertmanagers:
    - static_configs:
        - targets: ${list(alertmanagers)}

scrape_configs:
  # metrics.address of each service: plaintext, so nobody but Prometheus should reach it.
  - job_name: ${jobs.services}
    # The label service is the one that the service gives itself; without this a target label of that name would take its place.
    honor_labels: true
    static_configs:
      - targets: ${list(targets.services)}

  # telemetry { Prometheus { } } of spire-server and spire-agent. On hosts it is on loopback: run Prometheus there, or let it in.
  - job_name: ${jobs.servers}
    static_configs:
      - targets: ${list(targets.servers)}
  - job_name: ${jobs.agents}
    static_configs:
      - targets: ${list(targets.agents)}
`;
}

/** alertmanager.yml. `times`: how long it waits to group, and until it says a thing again. */
export function alertmanagerYaml(
  { receivers }: Monitoring,
  times: { readonly wait: string; readonly interval: string } = { wait: '30s', interval: '5m' },
): string {
  return `# Alertmanager for the rules of this folder: critical ones to whoever is on call, the others to the team. Put your receivers in the place of the webhooks.
route:
  receiver: team
  group_by: [alertname, namespace, job, service]
  group_wait: ${times.wait}
  group_interval: ${times.interval}
  repeat_interval: 12h
  routes:
    - matchers: [severity="critical"]
      receiver: on-call
      repeat_interval: 1h

receivers:
  - name: on-call
    webhook_configs:
      - url: ${jsonText(receivers.critical)}
        send_resolved: true
  - name: team
    webhook_configs:
      - url: ${jsonText(receivers.warning)}
        send_resolved: true

# What follows from something that fires already is not sent.
inhibit_rules:
${INHIBITIONS.map(
  ({ source, target, equal }) => `  - source_matchers: [alertname=~"${source.join('|')}"]
    target_matchers: [alertname=~"${target.join('|')}"]
    equal: [${equal.join(', ')}]`,
).join('\n')}
`;
}

/** The names of alerts that inhibitions speak of. */
export function inhibitedNames(): readonly string[] {
  return INHIBITIONS.flatMap(({ source, target }) => [...source, ...target]);
}
