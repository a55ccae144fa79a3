// What a Prometheus has seen of the drills in; the main panels of the dashboard as SVG in docs/ out.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { thresholds } from '../../packages/cli/dist/deploy/monitoring/thresholds.js';
import { checkout } from '../spire/room.js';
import { filledIn } from './expressions.js';
import { panelQueries } from './source.js';
import { drawSvg } from './svg.js';

/** @type {readonly { file: string, panel: string, title: string, unit: string, scale?: number, line?: number, step: number }[]} */
const plots = [
  {
    file: 'monitoring-svids.svg',
    panel: 'Life left of SVIDs',
    title: 'Life left of SVIDs',
    unit: ' %',
    scale: 100,
    line: 100 * thresholds.lifeLeft,
    step: 2,
  },
  {
    file: 'monitoring-handshakes.svg',
    panel: 'mTLS Handshake Duration',
    title: 'mTLS handshake duration',
    unit: ' s',
    line: thresholds.handshakeSeconds,
    step: 2,
  },
  {
    file: 'monitoring-failures.svg',
    panel: 'Failed handshakes by reason',
    title: 'Failed handshakes a second, by reason',
    unit: '',
    step: 2,
  },
  { file: 'monitoring-calls.svg', panel: 'Calls that were admitted', title: 'Calls a second that were admitted', unit: '', step: 2 },
];

/**
 * @param {import('./prometheus.js').Prometheus} prometheus
 * @param {{ from: number, to: number }} time seconds since 1970
 * @returns {Promise<string>}
 */
export async function drawPlots(prometheus, { from, to }) {
  const queries = panelQueries();
  let bytes = 0;
  const write = (/** @type {string} */ file, /** @type {string} */ svg) => {
    writeFileSync(join(checkout, 'docs', file), svg);
    bytes += svg.length;
  };
  for (const { file, panel, title, unit, scale = 1, line, step } of plots) {
    /** @type {import('./svg.js').Curve[]} */
    const curves = [];
    for (const { expr, legend } of queries.filter((query) => query.title === panel)) {
      for (const { metric, values } of await prometheus.over(filledIn(expr, { range: '10s' }), from, to, step)) {
        const points = values
          .map(([at, value]) => /** @type {const} */ ([at, Number(value) * scale]))
          .filter(([, y]) => Number.isFinite(y));
        if (points.some(([, y]) => y !== 0)) curves.push({ name: named(legend, metric), points });
      }
    }
    write(file, drawSvg({ title, unit, curves, from, to, ...(line === undefined ? {} : { line }) }));
  }
  const alerts = await prometheus.over('max by (alertname) (ALERTS{alertstate="firing"})', from, to, 1);
  const bars = alerts
    .flatMap(({ metric, values }) => spans(values.map(([at]) => at)).map((span) => ({ name: metric['alertname'] ?? '', ...span })))
    .sort((a, b) => a.from - b.from);
  write('monitoring-alerts.svg', drawSvg({ title: 'Alerts that fired in the drills', unit: '', curves: [], bars, from, to }));
  return `${plots.length + 1} plots in docs/, ${(bytes / 1024).toFixed(0)} KiB`;
}

/** @param {string} legend @param {Readonly<Record<string, string>>} metric */
function named(legend, metric) {
  return legend
    .replaceAll(/\{\{(\w+)\}\}/g, (_, label) => (label === 'instance' ? '' : (metric[label] ?? '')))
    .replaceAll('ephemos.echo.v1.Echo/', '')
    .trim();
}

/** @param {readonly number[]} times a second apart where there is something */
function spans(times) {
  /** @type {{ from: number, to: number }[]} */
  const found = [];
  for (const at of times) {
    const last = found.at(-1);
    if (last !== undefined && at - last.to <= 2) last.to = at;
    else found.push({ from: at, to: at });
  }
  return found;
}
