// Values of Kubernetes out of the nodes of a file: texts, lists, labels, quantities.
import type { YamlNode } from '../../documents/yaml-node.ts';

type Path = readonly (string | number)[];

/** The text at a path; numbers, yes and no as they are written. */
export function textAt(node: YamlNode | undefined, ...path: Path): string | undefined {
  return node?.get(...path)?.text();
}

/** The number at a path. */
export function numberAt(node: YamlNode | undefined, ...path: Path): number | undefined {
  const text = textAt(node, ...path);
  const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** The items of the list at a path; none where there is no list. */
export function itemsAt(node: YamlNode | undefined, ...path: Path): readonly YamlNode[] {
  return node?.get(...path)?.items() ?? [];
}

/** The texts of the list at a path. */
export function textsAt(node: YamlNode | undefined, ...path: Path): readonly string[] {
  return itemsAt(node, ...path).flatMap((item) => item.text() ?? []);
}

/** Labels, or what a selector wants of them. */
export type Labels = ReadonlyMap<string, string>;

/** The mapping of texts at a path; `undefined` where there is none. */
export function labelsAt(node: YamlNode | undefined, ...path: Path): Labels | undefined {
  const found = node?.get(...path);
  return found === undefined ? undefined : new Map(found.entries().map(([key, value]) => [key, value.text() ?? '']));
}

/** Whether labels have everything that is wanted. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return [...wanted].every(([key, value]) => labels.get(key) === value);
}

/**
 * Whether a selector (`matchLabels` and `matchExpressions`) takes these labels. An empty one takes all.
 * @param selector a node; none takes nothing
 */
export function selects(selector: YamlNode | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  return (
    hasLabels(labels, labelsAt(selector, 'matchLabels') ?? new Map()) &&
    itemsAt(selector, 'matchExpressions').every((each) => isMet(each, labels))
  );
}

function isMet(expression: YamlNode, labels: Labels): boolean {
  const value = labels.get(textAt(expression, 'key') ?? '');
  const values = textsAt(expression, 'values');
  const operator = textAt(expression, 'operator');
  if (operator === 'In') return value !== undefined && values.includes(value);
  if (operator === 'NotIn') return value === undefined || !values.includes(value);
  return operator === 'Exists' ? value !== undefined : value === undefined;
}

/** Labels for people. */
export function showLabels(labels: Labels): string {
  return labels.size === 0 ? 'no labels' : [...labels].map(([key, value]) => `${key}: ${value}`).join(', ');
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ...([
    ['', 1],
    ['m', 1e-3],
    ['k', 1e3],
    ['M', 1e6],
    ['G', 1e9],
    ['T', 1e12],
  ] as const),
  ...([
    ['Ki', 2 ** 10],
    ['Mi', 2 ** 20],
    ['Gi', 2 ** 30],
    ['Ti', 2 ** 40],
  ] as const),
]);

/** A quantity of Kubernetes as a number: bytes, or cores. */
export function parseQuantity(text: string | undefined): number | undefined {
  const [, digits, suffix = ''] = /^([0-9.]+)([a-zA-Z]*)$/.exec(text ?? '') ?? [];
  const unit = UNITS.get(suffix);
  const number = Number(digits);
  return digits === undefined || unit === undefined || !Number.isFinite(number) ? undefined : number * unit;
}

/** MiB, as Kubernetes writes it. */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)}Mi`;
}

/** Whether yes stands at a path. */
export function isTrue(node: YamlNode | undefined, ...path: Path): boolean {
  return node?.get(...path)?.value() === true;
}
