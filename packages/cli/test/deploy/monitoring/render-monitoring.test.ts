import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DEFAULT_MONITORING } from '../../../src/deploy/monitoring/monitoring.ts';
import { createPace, secondsOf } from '../../../src/deploy/monitoring/pace.ts';
import { layOut } from '../../../src/deploy/monitoring/panel.ts';
import { dashboardRows } from '../../../src/deploy/monitoring/panels.ts';
import { inhibitedNames } from '../../../src/deploy/monitoring/prometheus-yaml.ts';
import { alertNames, RULE_FILES, renderMonitoring, renderRules } from '../../../src/deploy/monitoring/render-monitoring.ts';
import { rulesDocument } from '../../../src/deploy/monitoring/rules-yaml.ts';
import { SERVICE_SERIES } from '../../../src/deploy/monitoring/thresholds.ts';

const page = (name: string): string => readFileSync(new URL(`../../../../../docs/${name}`, import.meta.url), 'utf8');

const groups = RULE_FILES.flatMap((file) => file.groups(DEFAULT_MONITORING, createPace()));
const alerts = groups.flatMap((group) => group.alerts);
const recordings = groups.flatMap((group) => group.recordings ?? []);
const panels = dashboardRows(DEFAULT_MONITORING).flatMap((row) => row.panels);

const filledIn = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '5m').replaceAll('$namespace', '.*').replaceAll('$service', '.+');
const expressions = [
  ...[...alerts, ...recordings].map(({ expr }) => expr),
  ...panels.flatMap(({ queries }) => queries.map(({ expr }) => filledIn(expr))),
];

function read(expr: string): { readonly metrics: readonly string[]; readonly mistakes: number } {
  const metrics: string[] = [];
  let mistakes = 0;
  parser.parse(expr).iterate({
    enter: ({ type, node }) => {
      if (type.isError) mistakes += 1;
      const name = type.name === 'VectorSelector' ? node.getChild('Identifier') : null;
      if (name !== null) metrics.push(expr.slice(name.from, name.to));
    },
  });
  return { metrics, mistakes };
}

describe('the rules', () => {
  it('are PromQL, and so are the queries of the dashboard', () => {
    expect(expressions.filter((expr) => read(expr).mistakes > 0)).toEqual([]);
    expect(read('rate(up[5m)').mistakes).toBeGreaterThan(0);
  });

  it('name no metric of a service that docs/service.md does not', () => {
    const documented = new Set(
      [...page('service.md').matchAll(/^\| `(\w+)` \| (gauge|counter|histogram) \|/gm)].flatMap(([, name = '', type]) =>
        type === 'histogram' ? ['_bucket', '_count', '_sum'].map((end) => `${name}${end}`) : [name],
      ),
    );
    const recorded: ReadonlySet<string> = new Set(Object.values(SERVICE_SERIES));
    // Those of prom-client, of Prometheus and of SPIRE are compared with real scrapes (npm run test:monitoring).
    const named = expressions.flatMap((expr) => read(expr).metrics).filter((name) => /^(ephemos|http|rpc|service)/.test(name));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !documented.has(name) && !recorded.has(name))).toEqual([]);
  });

  it('record exactly the series that alerts and dashboard share', () => {
    expect(recordings.map(({ record }) => record).sort()).toEqual([...Object.values(SERVICE_SERIES)].sort());
  });

  it('have one name each, a summary, a description without line breaks, and a section of the runbook', () => {
    expect(new Set(alertNames()).size).toBe(alerts.length);
    const sections = new Set([...page('runbook.md').matchAll(/^## (\S+)$/gm)].map(([, name]) => name));
    for (const { alert, summary, description } of alerts) {
      expect(sections.has(alert), alert).toBe(true);
      expect(summary).toMatch(/^(mTLS|[A-Z]).*[^.]$/);
      expect(description).toMatch(/^[^\n]*\.$/);
      expect(description).toContain('{{ $labels.');
    }
  });

  it('are text and plain values alike', () => {
    const texts = [...renderRules(DEFAULT_MONITORING).values()].map((text): unknown => parse(text));
    const options = { pace: createPace(), runbook: DEFAULT_MONITORING.runbook };
    expect(texts).toEqual(RULE_FILES.map((file) => rulesDocument(file.groups(DEFAULT_MONITORING, createPace()), options)));
  });

  it('differ at another pace in lengths of time and in nothing else', () => {
    const lengths = (text: string): string => text.replace(/\[\w+\]|for: \w+|(?<=time\(\) < )[\d.]+/g, '#');
    const [real, fast] = [createPace(), createPace(30)].map((pace) => [...renderRules(DEFAULT_MONITORING, pace).values()].join(''));
    expect(fast).not.toBe(real);
    expect(lengths(fast ?? '')).toBe(lengths(real ?? ''));
    expect(fast).toContain('[10s]');
    expect(fast).toContain('time() < 10\n');
  });

  it('take the names of jobs, the life of an authority and the address of the runbook from whoever renders them', () => {
    const text = [
      ...renderMonitoring({
        ...DEFAULT_MONITORING,
        jobs: { services: 'apps', servers: 'roots', agents: 'nodes' },
        authority: '24h',
        runbook: 'https://wiki.acme.internal/runbook',
      }).values(),
    ].join('');
    expect(text).not.toMatch(/job="?(ephemos|spire-server|spire-agent)/);
    expect(text).toContain('up{job="apps"}');
    expect(text).toContain(`time() < ${secondsOf('2h')}`);
    expect(text).toContain('https://wiki.acme.internal/runbook#spireagentdown');
  });
});

describe('alertmanager.yml', () => {
  it('speaks of alerts that there are', () => {
    expect(inhibitedNames().filter((name) => !alertNames().includes(name))).toEqual([]);
  });
});

describe('the dashboard', () => {
  const file = renderMonitoring().get('grafana/ephemos-services.json') ?? '';

  it('can be provisioned: uid, version, a data source to choose, and no envelope of the API', () => {
    const board: unknown = JSON.parse(file);
    expect(board).toMatchObject({ uid: 'ephemos-services', title: 'Ephemos Services', schemaVersion: 39 });
    expect(board).not.toHaveProperty('dashboard');
    expect(board).toHaveProperty('templating.list[0].type', 'datasource');
    expect(file).not.toMatch(/"type": "(graph|singlestat|table-old)"/);
  });

  it('has the three panels of the guide', () => {
    expect(panels.slice(0, 2).map(({ title }) => title)).toEqual(['Certificate Expiry', 'SPIRE Agent Connection Status']);
    expect(panels.map(({ title }) => title)).toContain('mTLS Handshake Duration');
  });

  it('has panels with names of their own that lie beside each other and inside the 24 columns', () => {
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    const taken = new Map<string, string>();
    for (const placed of layOut(dashboardRows(DEFAULT_MONITORING))) {
      const { title, gridPos } = asPlaced(placed);
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.get(`${x} ${y}`), title).toBeUndefined();
          taken.set(`${x} ${y}`, title);
        }
      }
    }
  });
});

interface Placed {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

function asPlaced(value: object): Placed {
  const gridPos = fieldOf(value, 'gridPos');
  const [x, y, w, h] = ['x', 'y', 'w', 'h'].map((name) => Number(fieldOf(gridPos, name)));
  return { title: String(fieldOf(value, 'title')), gridPos: { x: x ?? NaN, y: y ?? NaN, w: w ?? NaN, h: h ?? NaN } };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined;
}
