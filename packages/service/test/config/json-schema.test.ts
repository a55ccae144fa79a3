import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configJsonSchema, type JsonSchema } from '../../src/config/json-schema.ts';
import { listSettings } from '../../src/config/settings.ts';

function* leaves(schema: JsonSchema, path = ''): Generator<readonly [path: string, schema: JsonSchema]> {
  if (schema.properties === undefined) yield [path, schema];
  for (const [key, value] of Object.entries(schema.properties ?? {})) if (typeof value === 'object') yield* leaves(value, `${path}.${key}`);
}

describe('the JSON Schema', () => {
  test('is the one beside the package', () => {
    const file: unknown = JSON.parse(readFileSync(new URL('../../config.schema.json', import.meta.url), 'utf8'));
    expect(file).toEqual(configJsonSchema());
  });

  test('allows no other keys, and describes each one', () => {
    const check = (schema: JsonSchema): void => {
      if (schema.properties === undefined) return;
      expect(schema.additionalProperties).toBe(false);
      for (const each of Object.values(schema.properties)) {
        if (typeof each !== 'object') continue;
        expect(each.description).toMatch(/\.$/);
        check(each);
      }
    };
    check(configJsonSchema());
  });

  test('takes its own defaults', () => {
    for (const [path, { pattern, default: value, enum: values, minimum, maximum }] of leaves(configJsonSchema())) {
      if (value === undefined) continue;
      if (pattern !== undefined) expect(value, path).toMatch(new RegExp(pattern, 'u'));
      if (values !== undefined) expect(values, path).toContain(value);
      if (minimum !== undefined) expect(value, path).toBeGreaterThanOrEqual(minimum);
      if (maximum !== undefined) expect(value, path).toBeLessThanOrEqual(maximum);
    }
  });

  test('has the settings that the variables are made from', () => {
    expect(listSettings().map((each) => `.${each.path.join('.')}`)).toEqual([...leaves(configJsonSchema())].map(([path]) => path));
  });
});
