// The JSON Schema of the file, for editors, from the schema that reads it.
import { z } from 'zod';
import { configSchema } from './schema.ts';

/** A JSON Schema, or a part of one. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The JSON Schema of a configuration file (draft 7, which editors for YAML know). */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { target: 'draft-07', io: 'input' });
  return { ...schema, title: 'Configuration of an Ephemos service' };
}
