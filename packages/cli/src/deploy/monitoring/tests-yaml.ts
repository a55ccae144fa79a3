// Cases in; a file for `promtool test rules` out: each case, and that nothing but the absence of metrics alerts where there are none.
import { jsonText } from '../../output/text.ts';
import type { Alert } from './rule.ts';
import type { Firing, RuleCase } from './rule-case.ts';
import { runbookUrl } from './rules-yaml.ts';

/** What a file of tests is made from. */
export interface TestsOptions {
  /** The rules file, next to the tests. */
  readonly file: string;
  readonly alerts: readonly Alert[];
  readonly runbook: string;
}

/** The text of the file. */
export function testsYaml(cases: readonly RuleCase[], options: TestsOptions): string {
  const { file, alerts } = options;
  const untested = alerts.filter(({ alert }) => !cases.some((each) => each.alert === alert)).map(({ alert }) => alert);
  if (untested.length > 0) throw new TypeError(`no test of ${untested.join(', ')}`);
  return [
    `# Tests of ${file}: promtool test rules ${file.replace('.rules.', '.test.')}. Rendered: node scripts/render-monitoring.js`,
    `rule_files: [${file}]`,
    'evaluation_interval: 1m',
    'tests:',
    ...cases.flatMap((each) => caseLines(each, options)),
    ...withoutMetrics(alerts),
    '',
  ].join('\n');
}

function caseLines({ alert, series, expect }: RuleCase, { alerts, runbook }: TestsOptions): readonly string[] {
  const rule = alerts.find((each) => each.alert === alert);
  if (rule === undefined) throw new TypeError(`there is no alert ${alert}`);
  return [
    `  - name: ${alert}`,
    '    interval: 1m',
    '    input_series:',
    ...Object.entries(series).flatMap(([name, values]) => [`      - series: '${name}'`, `        values: '${values}'`]),
    '    alert_rule_test:',
    ...expect.flatMap(([minute, firing]) => [
      `      - eval_time: ${minute}m`,
      `        alertname: ${alert}`,
      firing.length === 0 ? '        exp_alerts: []' : '        exp_alerts:',
      ...firing.flatMap((each) => firingLines(each, rule, runbook)),
    ]),
  ];
}

function firingLines({ labels, description }: Firing, { alert, severity, summary }: Alert, runbook: string): readonly string[] {
  return [
    `          - exp_labels: { ${Object.entries({ ...labels, severity })
      .map(([name, value]) => `${name}: ${jsonText(value)}`)
      .join(', ')} }`,
    '            exp_annotations:',
    `              summary: ${jsonText(summary)}`,
    `              description: ${jsonText(description)}`,
    `              runbook_url: ${jsonText(runbookUrl(runbook, alert))}`,
  ];
}

function withoutMetrics(alerts: readonly Alert[]): readonly string[] {
  return [
    '  - name: no metrics at all',
    '    interval: 1m',
    '    input_series: []',
    '    alert_rule_test:',
    ...alerts
      .filter(({ alert }) => !alert.endsWith('MetricsAbsent'))
      .flatMap(({ alert }) => ['      - eval_time: 1h', `        alertname: ${alert}`, '        exp_alerts: []']),
  ];
}
