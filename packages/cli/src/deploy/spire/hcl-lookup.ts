// Values of a parsed configuration by their path: what several files must agree on.
import type { HclKey, HclObject, HclValue } from '../hcl/hcl-value.ts';

/** A value with the key in front of it. */
export interface Found {
  readonly key: HclKey;
  readonly value: HclValue;
}

/** The values at a path, in the order of the file; `*` is any key. Keys are compared as SPIRE does. */
export function findAll(object: HclObject, path: readonly string[]): readonly Found[] {
  const [wanted, ...rest] = path;
  if (wanted === undefined) return [];
  return object.items.flatMap(({ keys, value }) => {
    const [key] = keys;
    if (wanted !== '*' && key.name.toLowerCase() !== wanted.toLowerCase()) return [];
    const [, next, ...more] = keys;
    const inner: HclValue =
      next === undefined ? value : { kind: 'object', items: [{ keys: [next, ...more], value }], line: next.line, column: next.column };
    if (rest.length === 0) return [{ key, value: inner }];
    return objectsOf(inner).flatMap((each) => findAll(each, rest));
  });
}

/** The text at a path, with its key; undefined when there is none, or when a variable will stand for it. */
export function findText(object: HclObject, path: readonly string[]): { readonly key: HclKey; readonly text: string } | undefined {
  const found = findAll(object, path).at(-1);
  if (found === undefined || found.value.kind !== 'string' || found.value.text.includes('$')) return undefined;
  return { key: found.key, text: found.value.text };
}

function objectsOf(value: HclValue): readonly HclObject[] {
  if (value.kind === 'list') return value.values.flatMap(objectsOf);
  return value.kind === 'object' ? [value] : [];
}
