// Whether what rules and dashboards ask is PromQL, asks for series that there are, and computes what it seems to.

import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { createRule, lookAt } from '../manifests/rule.ts';
import { whyUnknown } from './metric-names.ts';
import { type Query, queriesIn, rulesIn } from './rules-view.ts';

function* queryFindings({ file, line, title, read }: Query, recorded: ReadonlySet<string>): Generator<Finding> {
  const place = { file, line };
  if (read.mistake !== undefined) {
    yield finding('observability.wired.expressions.mistake', `${title}: this is no PromQL`, {
      evidence: [read.mistake],
      mends: [mend('mend the expression; promtool says the same', 'promtool check rules <file>')],
      place,
    });
    return;
  }
  const named = new Set(read.selectors.map(({ metric }) => metric));
  for (const metric of named) {
    const why = whyUnknown(metric, recorded);
    if (why === undefined) continue;
    yield finding('observability.wired.expressions.unknown-metric', `${title} asks for ${metric}, which there is not`, {
      evidence: [why],
      mends: [
        mend(
          'ask for one that there is: docs/service.md lists those of a service, /metrics shows them',
          'curl http://<service>:9090/metrics',
        ),
      ],
      place,
    });
  }
  for (const { metric, isOfTime, keepsBuckets } of read.quantiles) {
    if (!metric.endsWith('_bucket')) continue;
    const mends = [
      mend(
        'count what happened in a time, and keep the buckets apart',
        `histogram_quantile(0.95, sum by (service, le) (rate(${metric}[5m])))`,
      ),
    ];
    if (!isOfTime) {
      yield finding('observability.wired.expressions.no-rate', `${title} computes a quantile of everything since the process started`, {
        evidence: [`${metric} without rate(): ten bad minutes are seen for hours, and a bad minute after a good day is not`],
        mends,
        place,
      });
    }
    if (!keepsBuckets) {
      yield finding('observability.wired.expressions.no-le', `${title} computes a quantile of buckets that it has added up`, {
        evidence: [`${metric} is aggregated without the label le: the answer is always empty`],
        mends,
        place,
      });
    }
  }
}

/** Expressions. */
export const expressionsRule: Rule<StaticEvidence> = createRule({
  id: 'observability.wired.expressions',
  title: 'rules and dashboards ask for what there is',
  thing: 'expression',
  look(documents) {
    const recorded = new Set(rulesIn(documents).flatMap(({ name, isAlert }) => (isAlert ? [] : [name])));
    return lookAt(queriesIn(documents), (query) => queryFindings(query, recorded));
  },
});
