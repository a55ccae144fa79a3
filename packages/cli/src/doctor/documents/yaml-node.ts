// A node of a YAML document as rules read it: values with the line that a person would look at.
import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';

/** A value in a YAML file. */
export interface YamlNode {
  /** Of its key, where it has one; from 1. */
  readonly line: number;
  /** Plain, as JSON has it. */
  value(): unknown;
  /** What is there; undefined when something on the way is missing, or is `null`. */
  get(...path: readonly (string | number)[]): YamlNode | undefined;
  /** The elements of a list; none when it is no list. */
  items(): readonly YamlNode[];
  /** The keys and values of a mapping, merged ones included; none when it is no mapping. */
  entries(): readonly (readonly [key: string, node: YamlNode])[];
  /** A text, or a number or a boolean as it is written; undefined for everything else. */
  text(): string | undefined;
  /** The line that the first line of a text stands on, which for `|` is the one below its key. */
  textLine(): number;
}

/** An alias stands for at most this many nodes, counted through others. */
export const MAX_ALIASES = 100;

/** What a node of a document needs to know of it. */
export interface YamlSource {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

/** Makes a node. @param line of its key */
export function createYamlNode(source: YamlSource, given: unknown, line?: number): YamlNode {
  const node = resolved(source, given);
  const own = lineOf(source, node);
  return {
    line: line ?? own,
    value(): unknown {
      const plain: unknown = node === undefined ? null : node.toJS(source.document, { maxAliasCount: MAX_ALIASES });
      return plain;
    },
    get(...path) {
      let at: YamlNode | undefined = createYamlNode(source, node, line);
      for (const step of path) {
        if (at === undefined) return undefined;
        at = typeof step === 'number' ? at.items()[step] : at.entries().find(([key]) => key === step)?.[1];
      }
      return at;
    },
    items: () => (isSeq(node) ? node.items.map((each) => createYamlNode(source, each)) : []),
    entries: () => entriesOf(source, node).map(([key, value, at]) => [key, createYamlNode(source, value, at)] as const),
    text() {
      if (!isScalar(node) || node.value === null) return undefined;
      return typeof node.value === 'string' ? node.value : (node.source ?? JSON.stringify(node.value));
    },
    textLine: () => (isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED') ? own + 1 : own),
  };
}

type Entry = readonly [key: string, value: unknown, line: number];

function entriesOf(source: YamlSource, node: Node | undefined): readonly Entry[] {
  if (!isMap(node)) return [];
  const own: Entry[] = [];
  const merged: Entry[] = [];
  for (const { key, value } of node.items) {
    if (isScalar(value) && value.value === null) continue;
    // With `merge` the yaml package reads << as a symbol.
    const name = !isScalar(key) ? '' : typeof key.value === 'symbol' ? '<<' : String(key.value);
    if (name !== '<<') own.push([name, value, lineOf(source, key)]);
    else {
      const inner = resolved(source, value);
      for (const each of isSeq(inner) ? inner.items : [inner]) merged.push(...entriesOf(source, resolved(source, each)));
    }
  }
  const names = new Set(own.map(([name]) => name));
  return [...own, ...merged.filter(([name]) => !names.has(name))];
}

function resolved(source: YamlSource, node: unknown): Node | undefined {
  if (isAlias(node)) return resolved(source, node.resolve(source.document));
  return isMap(node) || isSeq(node) || isScalar(node) ? node : undefined;
}

function lineOf({ lines }: YamlSource, node: unknown): number {
  const range = isMap(node) || isSeq(node) || isScalar(node) ? node.range : undefined;
  return Math.max(1, lines.linePos(range?.[0] ?? 0).line);
}
