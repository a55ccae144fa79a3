// A panel of Grafana: what it asks and how it is drawn in, the JSON of schema version 39 (Grafana 10.4 and newer) out. None of the panels needs Angular.

/** Units of Grafana that are used here. */
export type Unit = 's' | 'short' | 'percentunit' | 'reqps' | 'ops' | 'bytes' | 'none' | 'bool_on_off';

/** A line or a number: what is asked, and what it is called. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** Where a value changes its colour: from this value on. */
export interface Step {
  readonly color: 'green' | 'yellow' | 'orange' | 'red' | 'blue';
  readonly from: number | null;
}

/** What a panel is. */
export interface Panel {
  readonly title: string;
  readonly type: 'stat' | 'timeseries';
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly [Query, ...Query[]];
  readonly steps?: readonly Step[] | undefined;
  /** Words in place of values. */
  readonly words?: Readonly<Record<string, string>> | undefined;
  /** Of the 24 columns. */
  readonly width: number;
  /** True when having no data is what one hopes for. */
  readonly mayBeEmpty?: boolean | undefined;
}

/** Panels under one heading. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const COLUMNS = 24;
const HEIGHTS = { stat: 4, timeseries: 8 } as const;
const DATASOURCE = { type: 'prometheus', uid: '$datasource' } as const;

/** The panels of rows, each in its place. */
export function layOut(rows: readonly Row[]): readonly object[] {
  const placed: object[] = [];
  let y = 0;
  let id = 1;
  for (const { title, panels } of rows) {
    placed.push({ id, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: COLUMNS, h: 1 }, panels: [] });
    id += 1;
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      if (x + panel.width > COLUMNS) {
        y += height;
        x = 0;
        height = 0;
      }
      placed.push(panelJson(panel, id, { x, y, w: panel.width, h: HEIGHTS[panel.type] }));
      id += 1;
      x += panel.width;
      height = Math.max(height, HEIGHTS[panel.type]);
    }
    y += height;
  }
  return placed;
}

function panelJson(panel: Panel, id: number, gridPos: { x: number; y: number; w: number; h: number }): object {
  const { title, type, description, queries } = panel;
  return {
    id,
    type,
    title,
    description,
    datasource: DATASOURCE,
    gridPos,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      ...(type === 'stat' ? { instant: true, range: false } : { instant: false, range: true }),
    })),
    fieldConfig: { defaults: fieldDefaults(panel), overrides: [] },
    options: type === 'stat' ? STAT_OPTIONS : TIMESERIES_OPTIONS,
  };
}

function fieldDefaults({ type, unit, steps, words, mayBeEmpty }: Panel): object {
  return {
    unit,
    ...(mayBeEmpty === true ? { noValue: '0' } : {}),
    color: { mode: type === 'stat' && steps !== undefined ? 'thresholds' : 'palette-classic' },
    thresholds: { mode: 'absolute', steps: (steps ?? [{ color: 'green', from: null }]).map(({ color, from }) => ({ color, value: from })) },
    mappings:
      words === undefined
        ? []
        : [{ type: 'value', options: Object.fromEntries(Object.entries(words).map(([value, text], index) => [value, { text, index }])) }],
    ...(type === 'stat'
      ? {}
      : {
          custom: {
            drawStyle: 'line',
            lineWidth: 1,
            fillOpacity: 0,
            showPoints: 'never',
            spanNulls: false,
            thresholdsStyle: { mode: steps === undefined ? 'off' : 'line' },
          },
        }),
  };
}

const STAT_OPTIONS = {
  reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
  colorMode: 'value',
  graphMode: 'none',
  justifyMode: 'auto',
  orientation: 'auto',
  textMode: 'auto',
} as const;

const TIMESERIES_OPTIONS = {
  legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
  tooltip: { mode: 'multi', sort: 'desc' },
} as const;
