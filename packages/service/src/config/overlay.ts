// The values of a file and those of variables in; one value out.
import type { Override } from './environment.ts';
import { formatPath, type KeyPath } from './problem.ts';

/** The values with those of the variables over them. What has no place, because something else than a mapping stands there, is left out. */
export function overlay(value: unknown, overrides: readonly Override[]): unknown {
  return overrides.reduce((result: unknown, override) => put(result, override.path, override.value), value);
}

/** The variable that set the value at a path, or at one above it. */
export function overrideAt(path: KeyPath, overrides: readonly Override[]): Override | undefined {
  const text = formatPath(path);
  return overrides.find((override) => {
    const above = formatPath(override.path);
    return text === above || text.startsWith(`${above}.`) || text.startsWith(`${above}[`);
  });
}

function put(value: unknown, path: readonly string[], leaf: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return leaf;
  // A key without a value, as in `limits:`, is an empty mapping when a variable puts something into it.
  const mapping = value ?? {};
  if (!isMapping(mapping)) return value;
  return { ...mapping, [key]: put(mapping[key], rest, leaf) };
}

/** True for a mapping of a YAML file. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
