// Groups of rules in; a PrometheusRule out: the same rules as deploy/monitoring has.

import { DEFAULT_MONITORING } from '../monitoring/monitoring.ts';
import { createPace } from '../monitoring/pace.ts';
import type { RuleGroup } from '../monitoring/rule.ts';
import { rulesDocument } from '../monitoring/rules-yaml.ts';
import type { YamlMapping } from '../project/write-yaml.ts';
import type { Manifest } from './manifest.ts';

/** A PrometheusRule. */
export function prometheusRule(metadata: YamlMapping, groups: readonly RuleGroup[]): Manifest {
  const document = rulesDocument(groups, { pace: createPace(), runbook: DEFAULT_MONITORING.runbook });
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata,
    spec: { groups: document.groups.map(({ name, rules }) => ({ name, rules: rules.map((rule) => ({ ...rule })) })) },
  };
}
