// Groups of rules in; a rules file of Prometheus out, as plain values or as text. Expressions keep their lines, since people read them.
import { jsonText } from '../../output/text.ts';
import type { Pace } from './pace.ts';
import type { Alert, Recording, RuleGroup } from './rule.ts';

/** How rules are written. */
export interface RulesOptions {
  readonly pace: Pace;
  /** The page that alerts link to, without the anchor. */
  readonly runbook: string;
}

/** A rule as Prometheus and PrometheusRule of prometheus-operator have it. */
export type RuleDocument =
  | { readonly record: string; readonly expr: string }
  | {
      readonly alert: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
    };

/** A rules file as plain values; it is the `spec` of a PrometheusRule too. */
export interface RulesDocument {
  readonly groups: readonly { readonly name: string; readonly rules: readonly RuleDocument[] }[];
}

/** The rules as plain values. */
export function rulesDocument(groups: readonly RuleGroup[], options: RulesOptions): RulesDocument {
  return {
    groups: groups.map(({ name, recordings = [], alerts }) => ({
      name,
      rules: [...recordings.map((recording) => ({ ...recording })), ...alerts.map((alert) => alertDocument(alert, options))],
    })),
  };
}

/** The page of an alert. */
export function runbookUrl(runbook: string, alert: string): string {
  return `${runbook}#${alert.toLowerCase()}`;
}

function alertDocument({ alert, expr, hold, severity, summary, description }: Alert, { pace, runbook }: RulesOptions): RuleDocument {
  return {
    alert,
    expr,
    ...(hold === undefined ? {} : { for: pace.length(hold) }),
    labels: { severity },
    annotations: { summary, description, runbook_url: runbookUrl(runbook, alert) },
  };
}

/** The text of a rules file. */
export function rulesYaml(head: readonly string[], groups: readonly RuleGroup[], options: RulesOptions): string {
  return [
    ...head.map((line) => `# ${line}`),
    'groups:',
    ...groups.flatMap(({ name, recordings = [], alerts }) => [
      `  - name: ${name}`,
      '    rules:',
      ...recordings.flatMap(recordingLines),
      ...alerts.flatMap((alert) => alertLines(alert, options)),
    ]),
    '',
  ].join('\n');
}

function recordingLines({ record, expr }: Recording): readonly string[] {
  return [`      - record: ${record}`, ...exprLines(expr)];
}

function alertLines({ alert, expr, hold, severity, summary, description }: Alert, { pace, runbook }: RulesOptions): readonly string[] {
  return [
    `      - alert: ${alert}`,
    ...exprLines(expr),
    ...(hold === undefined ? [] : [`        for: ${pace.length(hold)}`]),
    '        labels:',
    `          severity: ${severity}`,
    '        annotations:',
    `          summary: ${jsonText(summary)}`,
    `          description: ${jsonText(description)}`,
    `          runbook_url: ${jsonText(runbookUrl(runbook, alert))}`,
  ];
}

function exprLines(expr: string): readonly string[] {
  return ['        expr: |-', ...expr.split('\n').map((line) => `          ${line}`)];
}
