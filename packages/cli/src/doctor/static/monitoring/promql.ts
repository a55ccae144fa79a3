// PromQL, read with Prometheus's own grammar: an expression in; its mistakes, its selectors, and what it does with them out.
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** A selector of series. */
export interface Selector {
  /** Empty when it names none. */
  readonly metric: string;
  readonly text: string;
}

/** A quantile that is computed of the buckets of a histogram. */
export interface Quantile {
  readonly metric: string;
  /** Of a time, by rate or increase; else it is of everything since the process started. */
  readonly isOfTime: boolean;
  /** Whether the buckets are still told apart when it is computed. */
  readonly keepsBuckets: boolean;
}

/** A series that is compared with a number. */
export interface Threshold {
  readonly metric: string;
  readonly operator: string;
  readonly number: string;
}

/** An expression, read. */
export interface Expression {
  /** Where it is no PromQL. */
  readonly mistake: string | undefined;
  readonly selectors: readonly Selector[];
  readonly quantiles: readonly Quantile[];
  readonly thresholds: readonly Threshold[];
  /** Whether it has an answer when series are not there: by absent, by unless, or by asking `up`. */
  readonly asksForAbsence: boolean;
}

const OVER_TIME: ReadonlySet<string> = new Set(['Rate', 'Increase', 'Irate', 'Delta', 'Deriv']);
const COMPARISONS: ReadonlySet<string> = new Set(['Lss', 'Lte', 'Gtr', 'Gte']);

/** Reads an expression. Does not throw. */
export function readExpression(expr: string): Expression {
  const selectors: Selector[] = [];
  const quantiles: Quantile[] = [];
  const thresholds: Threshold[] = [];
  let mistake: string | undefined;
  let asksForAbsence = false;
  parser.parse(expr).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) mistake ??= `at ${from}: ${JSON.stringify(expr.slice(Math.max(0, from - 20), to + 20))}`;
      if (/^(Absent|AbsentOverTime|Unless)$/.test(type.name)) asksForAbsence = true;
      if (type.name === 'BinaryExpr') thresholds.push(...thresholdOf(node, expr));
      if (type.name !== 'VectorSelector') return;
      const selector = { metric: metricOf(node, expr), text: expr.slice(from, to) };
      selectors.push(selector);
      if (selector.metric === 'up') asksForAbsence = true;
      const quantile = quantileOver(node, selector.metric, expr);
      if (quantile !== undefined) quantiles.push(quantile);
    },
  });
  return { mistake, selectors, quantiles, thresholds, asksForAbsence };
}

function metricOf(selector: SyntaxNode, expr: string): string {
  const name = selector.getChild('Identifier');
  return name === null ? '' : expr.slice(name.from, name.to);
}

function functionOf(node: SyntaxNode): string {
  return node.name === 'FunctionCall' ? (node.getChild('FunctionIdentifier')?.firstChild?.name ?? '') : '';
}

// What stands around a selector, from the inside out, up to the quantile that is made of it.
function quantileOver(selector: SyntaxNode, metric: string, expr: string): Quantile | undefined {
  let isOfTime = false;
  let keepsBuckets = true;
  for (let node = selector.parent; node !== null; node = node.parent) {
    const name = functionOf(node);
    if (OVER_TIME.has(name)) isOfTime = true;
    if (node.name === 'AggregateExpr' && !keepsLabel(node, 'le', expr)) keepsBuckets = false;
    if (name === 'HistogramQuantile') return { metric, isOfTime, keepsBuckets };
  }
  return undefined;
}

function keepsLabel(aggregate: SyntaxNode, label: string, expr: string): boolean {
  const modifier = aggregate.getChild('AggregateModifier');
  const labels =
    modifier
      ?.getChild('GroupingLabels')
      ?.getChildren('LabelName')
      .map(({ from, to }) => expr.slice(from, to)) ?? [];
  return modifier?.firstChild?.name === 'Without' ? !labels.includes(label) : labels.includes(label);
}

function thresholdOf(node: SyntaxNode, expr: string): readonly Threshold[] {
  const { firstChild: left, lastChild: right } = node;
  const operator = left?.nextSibling;
  if (left?.name !== 'VectorSelector' || right?.name !== 'NumberDurationLiteral' || operator === null || operator === undefined) return [];
  if (!COMPARISONS.has(operator.name)) return [];
  return [{ metric: metricOf(left, expr), operator: expr.slice(operator.from, operator.to), number: expr.slice(right.from, right.to) }];
}

/** An expression of a dashboard as Prometheus gets it: Grafana's variables filled in. */
export function withoutVariables(expr: string): string {
  return expr.replace(/\[\s*\$\{?\w+(:\w+)?\}?/g, '[5m').replace(/\$\{\w+(:\w+)?\}|\$\w+/g, '1');
}
