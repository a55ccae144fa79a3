// The deployments of the checkout: their inputs, and the files that stand beside them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const folder = fileURLToPath(new URL('../../../../../deploy/spire', import.meta.url));

/** Their names. */
export const variants: readonly string[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Where a file of one is. */
export function pathOf(variant: string, name: string): string {
  return join(folder, variant, name);
}

/** The text of a file of one. */
export function textOf(variant: string, name: string): string {
  return readFileSync(pathOf(variant, name), 'utf8');
}

/** Plain values of its input, with others in the place of some. */
export function valuesOf(variant: string, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const values: Record<string, unknown> = parse(textOf(variant, 'spire.yaml'));
  return { ...values, ...changes };
}
