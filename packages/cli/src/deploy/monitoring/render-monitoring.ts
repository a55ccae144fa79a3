// What is monitored in; every file of deploy/monitoring by its path out. The same in gives the same out.
import { dashboardJson, datasourceYaml, providerYaml } from './dashboard.ts';
import { DEFAULT_MONITORING, type Monitoring } from './monitoring.ts';
import { createPace, type Pace } from './pace.ts';
import { alertmanagerYaml, prometheusYaml } from './prometheus-yaml.ts';
import type { RuleGroup } from './rule.ts';
import type { RuleCase } from './rule-case.ts';
import { rulesYaml } from './rules-yaml.ts';
import { serviceCases } from './service-cases.ts';
import { serviceRules } from './service-rules.ts';
import { spireCases } from './spire-cases.ts';
import { spireRules } from './spire-rules.ts';
import { testsYaml } from './tests-yaml.ts';

/** The files with rules, with what is in them. */
export const RULE_FILES: readonly {
  readonly name: string;
  readonly head: readonly string[];
  readonly groups: (monitoring: Monitoring, pace: Pace) => readonly RuleGroup[];
  readonly cases: readonly RuleCase[];
}[] = [
  {
    name: 'ephemos.rules.yml',
    head: ['Rules about Ephemos services, for Prometheus 2.42 or newer. Rendered: node scripts/render-monitoring.js'],
    groups: serviceRules,
    cases: serviceCases,
  },
  {
    name: 'spire.rules.yml',
    head: [
      'Rules about the servers and agents of SPIRE 1.15, for Prometheus 2.42 or newer. Rendered: node scripts/render-monitoring.js',
      'They need telemetry { Prometheus { host port } } in server.conf and agent.conf.',
    ],
    groups: spireRules,
    cases: spireCases,
  },
];

/** Renders the files of rules. */
export function renderRules(monitoring: Monitoring, pace: Pace = createPace()): ReadonlyMap<string, string> {
  return new Map(
    RULE_FILES.map(({ name, head, groups }) => [name, rulesYaml(head, groups(monitoring, pace), { pace, runbook: monitoring.runbook })]),
  );
}

// What the tests say is true of the names and times that they were written for.
function renderTests(): ReadonlyMap<string, string> {
  const { runbook } = DEFAULT_MONITORING;
  return new Map(
    RULE_FILES.map(({ name, groups, cases }) => [
      name.replace('.rules.', '.test.'),
      testsYaml(cases, { file: name, runbook, alerts: groups(DEFAULT_MONITORING, createPace()).flatMap(({ alerts }) => alerts) }),
    ]),
  );
}

/** Renders everything; the tests of the rules only where nothing differs from the default. */
export function renderMonitoring(monitoring: Monitoring = DEFAULT_MONITORING): ReadonlyMap<string, string> {
  const rules = renderRules(monitoring);
  return new Map([
    ...rules,
    ...(monitoring === DEFAULT_MONITORING ? renderTests() : []),
    ['prometheus.yml', prometheusYaml(monitoring, [...rules.keys()])],
    ['alertmanager.yml', alertmanagerYaml(monitoring)],
    ['grafana/ephemos-services.json', dashboardJson(monitoring)],
    ['grafana/provisioning/datasources/ephemos.yml', datasourceYaml('http://localhost:9090')],
    ['grafana/provisioning/dashboards/ephemos.yml', providerYaml()],
  ]);
}

/** The names of all alerts. */
export function alertNames(): readonly string[] {
  return RULE_FILES.flatMap(({ groups }) => groups(DEFAULT_MONITORING, createPace())).flatMap(({ alerts }) =>
    alerts.map(({ alert }) => alert),
  );
}
