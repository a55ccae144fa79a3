// What Prometheus would see: the text of a registry in, its series out.
import type { MetricsRegistry } from '../../src/metrics/metric-set.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Series {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface Scrape {
  readonly text: string;
  readonly series: readonly Series[];
  /** The series of a name that have these labels, at least. */
  all(name: string, labels?: Labels): readonly Series[];
  /** The value of the one series that has these labels; `undefined` when there is none. */
  value(name: string, labels?: Labels): number | undefined;
}

export async function scrape({ registry }: { readonly registry: MetricsRegistry }): Promise<Scrape> {
  return parseScrape(await registry.metrics());
}

export function parseScrape(text: string): Scrape {
  const series = text.split('\n').flatMap((line) => parseLine(line));
  function all(name: string, labels: Labels = {}): readonly Series[] {
    return series.filter((each) => each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value));
  }
  return {
    text,
    series,
    all,
    value(name, labels) {
      const [first, ...more] = all(name, labels);
      if (more.length > 0) throw new Error(`there are ${more.length + 1} series of ${name} with ${JSON.stringify(labels)}`);
      return first?.value;
    },
  };
}

function parseLine(line: string): readonly Series[] {
  const [, name, labels = '', value] = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
  if (name === undefined) return [];
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text] as const);
  return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
}
