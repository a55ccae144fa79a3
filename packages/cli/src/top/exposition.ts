// The text format of Prometheus (exposition_formats.md, version 0.0.4): a scrape in, the samples that are wanted out.

/** Longest line that is read, in characters. */
export const MAX_LINE_LENGTH = 16_384;

/** One series at the moment of the scrape. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?[ \t]+([^ \t]+)(?:[ \t]+-?\d+)?[ \t]*$/;
const LABEL = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*,?/y;

/** Reads a scrape. Lines that are malformed, or of metrics that are not wanted, are left out. */
export function parseExposition(text: string, wanted: ReadonlySet<string>): readonly Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (line.length > MAX_LINE_LENGTH || line.startsWith('#')) continue;
    const [, name = '', labelText, valueText = ''] = LINE.exec(line.trimEnd()) ?? [];
    if (!wanted.has(name)) continue;
    const labels = labelText === undefined ? new Map<string, string>() : parseLabels(labelText);
    const value = parseValue(valueText);
    if (labels !== undefined && value !== undefined) samples.push({ name, labels, value });
  }
  return samples;
}

function parseLabels(text: string): ReadonlyMap<string, string> | undefined {
  const labels = new Map<string, string>();
  LABEL.lastIndex = 0;
  let end = 0;
  for (let match = LABEL.exec(text); match !== null; match = LABEL.exec(text)) {
    const [, name = '', value = ''] = match;
    labels.set(
      name,
      value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character)),
    );
    end = LABEL.lastIndex;
  }
  return text.slice(end).trim() === '' ? labels : undefined;
}

function parseValue(text: string): number | undefined {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  if (text === 'NaN') return NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}
