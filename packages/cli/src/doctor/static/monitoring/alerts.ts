// Whether alerts fire when they should: also when nothing is there to ask, and not by a limit that fits one life of a certificate alone.

import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { placeOf } from '../manifests/objects.ts';
import { createRule, joined, lookAt } from '../manifests/rule.ts';
import { textAt } from '../manifests/values.ts';
import { type PrometheusRule, rulesIn } from './rules-view.ts';

/** What is left of an SVID, in seconds. */
const REMAINING = 'ephemos_certificate_expiry_seconds';

/** Whose metrics an alert is about, and what says that they are all gone. */
const FAMILIES = [
  { prefix: 'ephemos_', of: 'a service', absent: 'ephemos_build_info' },
  { prefix: 'spire_', of: 'SPIRE', absent: 'spire_server_uptime_in_ms' },
] as const;

function* thresholdFindings({ file, node, name, expr, read }: PrometheusRule): Generator<Finding> {
  for (const { metric, operator, number } of read.thresholds) {
    if (metric !== REMAINING) continue;
    const severity = textAt(node, 'labels', 'severity');
    yield finding(
      'observability.wired.alerts.fixed-threshold',
      `${name} compares what is left of a certificate with ${number} s, however long it lives`,
      {
        evidence: [
          `${metric} ${operator} ${number}: SPIRE renews at half of the life, so for short lives it is always so, and for long ones hours too late`,
          'the gauge stands still when the service does; the timestamp goes on',
          ...(severity === undefined || severity === 'critical'
            ? []
            : [`severity: ${severity}, and then the service can neither call nor be called`]),
        ],
        mends: [
          mend(
            'ask for the part of its life that is left',
            '(ephemos_svid_not_after_timestamp_seconds - time())',
            '/ (ephemos_svid_not_after_timestamp_seconds - ephemos_svid_not_before_timestamp_seconds)',
            '< 0.33',
          ),
        ],
        place: placeOf(file, expr, node),
      },
    );
  }
}

function* silenceFindings(alerts: readonly PrometheusRule[]): Generator<Finding> {
  for (const { prefix, of, absent } of FAMILIES) {
    const about = alerts.filter(({ read }) => read.selectors.some(({ metric }) => metric.startsWith(prefix)));
    const [first] = about;
    if (
      first === undefined ||
      about.some(({ read }) => read.asksForAbsence) ||
      alerts.some(({ read }) => read.selectors.some(({ metric }) => metric === 'up'))
    )
      continue;
    yield finding('observability.wired.alerts.silent', `no alert fires when there are no metrics of ${of} at all`, {
      evidence: [`${about.map(({ name }) => name).join(', ')}: without series an expression has no answer, and nothing alerts`],
      mends: [mend('ask for the absence as well', `absent(${absent})`, 'up{job="<job>"} == 0')],
      place: placeOf(first.file, first.node),
    });
  }
}

/** Alerts. */
export const alertsRule: Rule<StaticEvidence> = createRule({
  id: 'observability.wired.alerts',
  title: 'alerts fire when they should',
  thing: 'alert',
  look(documents) {
    const alerts = rulesIn(documents).filter(({ isAlert }) => isAlert);
    return joined(lookAt(alerts, thresholdFindings), { count: 0, findings: [...silenceFindings(alerts)] });
  },
});
