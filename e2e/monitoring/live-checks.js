// Everything that rules and dashboard ask, asked of a Prometheus that scrapes real services and a real SPIRE.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../spire/observe.js';
import { expressionProblems, filledIn } from './expressions.js';
import { folder, panelQueries, recorded, ruleExpressions } from './source.js';

/** Series of Prometheus itself. */
const ownSeries = ['up', 'ALERTS'];
const ruleFiles = ['ephemos.rules.yml', 'spire.rules.yml'];

/** @typedef {import('./prometheus.js').Prometheus} Prometheus */

/**
 * @param {Prometheus} prometheus
 * @returns {Promise<string>} what was asked
 */
export async function runLiveChecks(prometheus) {
  const rules = ruleExpressions(ruleFiles.map((name) => readFileSync(join(folder, name), 'utf8')));
  const panels = panelQueries();
  const expressions = new Map(
    [
      ...rules,
      ...panels
        .map(({ title, legend, expr }) => [`${title} (${legend})`, filledIn(expr, { range: '10s' })])
        .map(([name = '', expr = '']) => [name, expr]),
    ].map(([name = '', expr = '']) => [name, expr]),
  );
  const known = async () => new Set([...(await prometheus.names()), ...ownSeries]);
  // What is counted has to have been counted once, and what is recorded has to have been evaluated.
  await until(
    async () => expressionProblems(expressions, await known()),
    (problems) => problems.length === 0,
    {
      timeout: 40_000,
      what: 'every metric that rules and dashboard name is exported or recorded',
    },
  );
  assertMutationsNoticed(expressions, await known());

  // A rate needs two scrapes after the first that shows the metric, and a rule one evaluation more.
  await until(
    () => emptyOf(prometheus, { rules, panels }),
    (empty) => empty.length === 0,
    { timeout: 20_000, what: 'every recorded rule records, and every panel shows something' },
  );
  const unwell = (await prometheus.rules()).filter(({ health }) => health !== 'ok');
  assert.deepEqual(
    unwell.map(({ name, lastError }) => `${name}: ${lastError}`),
    [],
  );
  return `${rules.size} rules and ${panels.length} queries of the dashboard executed; every metric that they name is there`;
}

/**
 * What shows nothing and should.
 * @param {Prometheus} prometheus
 * @param {{ rules: ReturnType<typeof ruleExpressions>, panels: ReturnType<typeof panelQueries> }} asked
 * @returns {Promise<readonly string[]>}
 */
async function emptyOf(prometheus, { rules, panels }) {
  const empty = [];
  for (const [name, expr] of rules) {
    const samples = await prometheus.ask(expr);
    if (recorded.includes(name) && samples.length === 0) empty.push(`${name} records nothing`);
  }
  for (const { title, legend, expr, mayBeEmpty } of panels) {
    const samples = await prometheus.ask(filledIn(expr, { range: '10s' }));
    if (!mayBeEmpty && samples.every(({ value }) => value[1] === 'NaN'))
      empty.push(`the panel ${title} shows nothing for ${legend}: ${expr}`);
  }
  return empty;
}

/**
 * @param {ReadonlyMap<string, string>} expressions
 * @param {ReadonlySet<string>} known
 */
function assertMutationsNoticed(expressions, known) {
  const changed = (/** @type {string} */ name, /** @type {string} */ from, /** @type {string} */ to) => {
    const expr = expressions.get(name) ?? '';
    assert.notEqual(expr.replaceAll(from, to), expr, `${name} has no ${from}`);
    return expressionProblems(new Map([[name, expr.replaceAll(from, to)]]), known);
  };
  for (const [name, from, to] of /** @type {const} */ ([
    // The name that SPIRE's documentation gives it, with the _total that it does not have.
    ['SPIREAttestationFailing', 'attest_agent', 'attest_agent_total'],
    ['SPIREAgentDown', 'ephemos_spire_agent_connection_status', 'ephemos_agent_connection_status'],
    ['HighmTLSHandshakeLatency', ':p95_5m', ':p95_10m'],
    ['SPIREDatastoreFailing', '[5m]', '[5m'],
  ])) {
    assert.ok(changed(name, from, to).length > 0, `not noticed: ${to} in ${name}`);
  }
}
