// What is rendered into deploy/monitoring, and what is made of it for drills: the same rules, with every length of time divided by 30.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { DEFAULT_MONITORING } from '../../packages/cli/dist/deploy/monitoring/monitoring.js';
import { createPace } from '../../packages/cli/dist/deploy/monitoring/pace.js';
import { alertmanagerYaml, prometheusYaml } from '../../packages/cli/dist/deploy/monitoring/prometheus-yaml.js';
import { RULE_FILES, renderRules } from '../../packages/cli/dist/deploy/monitoring/render-monitoring.js';
import { checkout } from '../spire/room.js';

export { DEFAULT_MONITORING } from '../../packages/cli/dist/deploy/monitoring/monitoring.js';
export { alertmanagerYaml, prometheusYaml, renderRules };

export const folder = join(checkout, 'deploy', 'monitoring');
export const drillPace = createPace(30);

/** @typedef {import('../../packages/cli/dist/deploy/monitoring/rule.js').Alert} Alert */
/** @typedef {{ title: string, expr: string, legend: string, mayBeEmpty: boolean }} PanelQuery */

const groups = RULE_FILES.flatMap((file) => file.groups(DEFAULT_MONITORING, createPace()));

/** @type {readonly Alert[]} */
export const alerts = groups.flatMap((group) => group.alerts);
/** @type {readonly string[]} */
export const recorded = groups.flatMap(({ recordings = [] }) => recordings.map(({ record }) => record));

/**
 * The expressions of rules files, by the name of the rule.
 * @param {Iterable<string>} texts
 * @returns {ReadonlyMap<string, string>}
 */
export function ruleExpressions(texts) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const text of texts)
    for (const { rules } of parse(text).groups) for (const { alert, record, expr } of rules) found.set(alert ?? record, expr);
  return found;
}

/** The queries of the dashboard, as it is in deploy/monitoring. */
export function panelQueries() {
  const { panels } = JSON.parse(readFileSync(join(folder, 'grafana', 'ephemos-services.json'), 'utf8'));
  /** @type {PanelQuery[]} */
  const queries = [];
  for (const { title, targets = [], fieldConfig } of panels) {
    for (const { expr, legendFormat } of targets) {
      queries.push({ title, expr, legend: legendFormat, mayBeEmpty: fieldConfig?.defaults?.noValue !== undefined });
    }
  }
  return queries;
}
