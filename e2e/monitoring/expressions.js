// What rules and dashboard ask, against the series that there are: read with Prometheus's own grammar, as `ephemos doctor` does.
import { readExpression } from '../../packages/cli/dist/doctor/static/monitoring/promql.js';

/**
 * An expression of the dashboard as Grafana sends it.
 * @param {string} expr
 * @param {{ range: string }} options
 */
export function filledIn(expr, { range }) {
  return expr.replaceAll('$__rate_interval', range).replaceAll('$namespace', '.*').replaceAll('$service', '.+');
}

/**
 * What is wrong with the metrics of expressions, by name: a grammar mistake, a selector without a name, a metric that nothing exports.
 * @param {ReadonlyMap<string, string>} expressions by what they are of
 * @param {ReadonlySet<string>} known every series that there is, or is recorded
 * @returns {readonly string[]}
 */
export function expressionProblems(expressions, known) {
  return [...expressions].flatMap(([name, expr]) => {
    const { selectors, mistake } = readExpression(expr);
    if (mistake !== undefined) return [`${name} is no PromQL ${mistake}`];
    if (selectors.length === 0) return [`${name} asks for no metric`];
    return selectors.flatMap(({ metric, text }) => {
      if (metric === '') return [`${name} selects without a name: ${text}`];
      return known.has(metric) ? [] : [`${name} names ${metric}, which nothing exports`];
    });
  });
}
