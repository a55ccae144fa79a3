// PromQL, read with Prometheus's own grammar: an expression in; its mistakes, its selectors and the metrics that it names out.
import { parser } from '@prometheus-io/lezer-promql';

/** @typedef {{ metric: string, text: string }} Selector */

/**
 * @param {string} expr
 * @returns {{ selectors: readonly Selector[], mistake?: string }} the mistake is a place
 */
export function readExpression(expr) {
  /** @type {Selector[]} */
  const selectors = [];
  /** @type {string | undefined} */
  let mistake;
  parser.parse(expr).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) mistake ??= `at ${from}: ${JSON.stringify(expr.slice(Math.max(0, from - 20), to + 20))}`;
      if (type.name !== 'VectorSelector') return;
      const name = node.getChild('Identifier');
      selectors.push({ metric: name === null ? '' : expr.slice(name.from, name.to), text: expr.slice(from, to) });
    },
  });
  return mistake === undefined ? { selectors } : { selectors, mistake };
}

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
