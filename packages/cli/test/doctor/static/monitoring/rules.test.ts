// PromQL as doctor reads it, and the rules over what Prometheus and Grafana ask.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { whyUnknown } from '../../../../src/doctor/static/monitoring/metric-names.ts';
import { readExpression, withoutVariables } from '../../../../src/doctor/static/monitoring/promql.ts';
import { type Texts, verdictOn } from '../../../support/documents.ts';

describe('an expression', () => {
  it.each([
    ['histogram_quantile(0.9, a_bucket)', false, true],
    ['histogram_quantile(0.9, rate(a_bucket[5m]))', true, true],
    ['histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))', true, true],
    ['histogram_quantile(0.9, sum by (service) (increase(a_bucket[5m])))', true, false],
    ['histogram_quantile(0.9, sum without (le) (rate(a_bucket[5m])))', true, false],
    ['histogram_quantile(0.9, sum without (pod) (rate(a_bucket[5m])))', true, true],
    ['histogram_quantile(0.9, sum(rate(a_bucket[5m])))', true, false],
  ])('%s is of a time, and keeps its buckets', (expr, isOfTime, keepsBuckets) => {
    expect(readExpression(expr).quantiles).toEqual([{ metric: 'a_bucket', isOfTime, keepsBuckets }]);
  });

  it.each([
    ['absent(a)', true],
    ['absent_over_time(a[5m])', true],
    ['up == 0', true],
    ['a unless b', true],
    ['a == 0', false],
    ['upper == 0', false],
  ])('%s asks for absence: %s', (expr, asks) => expect(readExpression(expr).asksForAbsence).toBe(asks));

  it.each(['a <', 'rate(a[5m)', 'sum by (a (b)', ''])('%j has a mistake', (expr) => expect(readExpression(expr).mistake).toBeDefined());

  it('of Grafana is one of Prometheus once its variables are filled in', () => {
    for (const expr of ['rate(a{b=~"$c"}[$__rate_interval])', 'topk($n, a)', `increase(a[\${d}])`, 'rate(a[$i:1m])']) {
      expect(readExpression(withoutVariables(expr)).mistake, expr).toBeUndefined();
    }
  });
});

describe('the name of a metric', () => {
  const own = ['ephemos.rules.yml', 'spire.rules.yml', 'grafana/ephemos-services.json'].map((name) =>
    readFileSync(new URL(`../../../../../../deploy/monitoring/${name}`, import.meta.url), 'utf8'),
  );
  const named = own.flatMap((text) => text.match(/\b(ephemos|spire_server|spire_agent|http_server|rpc_server)_\w+(?=[{[) ])/g) ?? []);

  it('is known for all that deploy/monitoring asks for', () => {
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((name) => whyUnknown(name, new Set()) !== undefined)).toEqual([]);
  });

  it.each(['up', 'node_load1', 'nodejs_eventloop_lag_p99_seconds', 'ephemos_tls_handshake_duration_seconds_bucket', 'a:b:c'])(
    '%s may be there',
    (name) => {
      expect(whyUnknown(name, new Set())).toBeUndefined();
    },
  );

  it.each([
    'ephemos_tls_handshake_duration_seconds_total',
    'spire_server_rpc_agent_v1_agent_attest_agent_total',
    'spire_agent_other_thing',
    'http_server_duration',
  ])('%s is not', (name) => expect(whyUnknown(name, new Set())).toBeDefined());

  it('with a colon is known when a rule records it, where rules were given', () => {
    expect(whyUnknown('a:b', new Set(['a:b']))).toBeUndefined();
    expect(whyUnknown('a:c', new Set(['a:b']))).toBeDefined();
  });
});

const alert = (expr: string, name = 'A'): string => `      - { alert: ${name}, expr: '${expr}' }\n`;
const rules = (...alerts: readonly string[]): Texts => ({ 'rules.yml': `groups:\n  - name: a\n    rules:\n${alerts.join('')}` });
const panel = '"datasource": {}, "gridPos": {}, "fieldConfig": { "defaults": { "unit": "s" } }, "targets": [{ "expr": "up" }]';
const dashboard = (head: string, type: string): Texts => ({
  'd.json': `{ ${head} "panels": [{ "type": "${type}", "title": "t", ${panel} }] }`,
});

describe('the rules over monitoring', () => {
  it.each<[what: string, rule: string, texts: Texts, found: readonly string[]]>([
    ['an alert for absence', 'observability.wired.alerts', rules(alert('ephemos_ready == 0'), alert('absent(ephemos_build_info)')), []],
    ['none', 'observability.wired.alerts', rules(alert('ephemos_ready == 0')), ['silent']],
    [
      'one for SPIRE alone',
      'observability.wired.alerts',
      rules(alert('ephemos_ready == 0'), alert('absent(spire_server_uptime_in_ms)')),
      ['silent'],
    ],
    ['alerts of others', 'observability.wired.alerts', rules(alert('node_load1 > 5')), []],
    [
      'a fixed threshold',
      'observability.wired.alerts',
      rules(alert('ephemos_certificate_expiry_seconds < 300'), alert('up == 0')),
      ['fixed-threshold'],
    ],
    ['a dashboard', 'observability.wired.dashboard', dashboard('"uid": "a", "schemaVersion": 39,', 'stat'), []],
    ['a dashboard without uid', 'observability.wired.dashboard', dashboard('"schemaVersion": 39,', 'stat'), ['incomplete']],
    ['a panel of old', 'observability.wired.dashboard', dashboard('"uid": "a", "schemaVersion": 39,', 'singlestat'), ['angular']],
  ])('%s', async (_, rule, texts, found) => {
    expect((await verdictOn(texts, rule)).found.map((each) => each.split(' ')[0])).toEqual(found);
  });
});
