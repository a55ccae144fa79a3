// Reads the JSON of the control API, both ways, within bounds.
import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { EphemosError } from 'ephemos/errors';

/** The file name of the control socket in the directory of an agent. */
export const controlSocketName = 'control.sock';

/** Largest request body, in bytes. */
export const maxRequestBytes: number = 64 * 1024;

/** Largest response body, in bytes. */
export const maxResponseBytes: number = 8 * 1024 * 1024;

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Reads the whole body as JSON; an empty one is an empty object. @throws {EphemosError} ERR_OPTION_INVALID */
export async function readJson(message: IncomingMessage, maxBytes: number): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of message) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.length;
    if (size > maxBytes) throw new EphemosError('ERR_OPTION_INVALID', `a body has at most ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EphemosError('ERR_OPTION_INVALID', 'a body must be JSON', { cause });
  }
}

/** @throws {EphemosError} ERR_OPTION_INVALID when it is no object or has other keys */
export function parseObject(value: unknown, keys: readonly string[]): JsonObject {
  if (!isObject(value)) throw new EphemosError('ERR_OPTION_INVALID', 'a body must be a JSON object');
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown === undefined) return value;
  throw new EphemosError('ERR_OPTION_INVALID', `the key "${unknown.slice(0, 64)}" is unknown`, {
    hint: `allowed: ${keys.join(', ') || 'none'}`,
  });
}

/** True for a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws {EphemosError} ERR_OPTION_INVALID */
export function stringOf(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value === 'string') return value;
  throw new EphemosError('ERR_OPTION_INVALID', `"${key}" must be a string`);
}

/** @throws {EphemosError} ERR_OPTION_INVALID */
export function numberOf(object: JsonObject, key: string): number | undefined {
  const value = object[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return value;
  throw new EphemosError('ERR_OPTION_INVALID', `"${key}" must be a number`);
}

/** @throws {EphemosError} ERR_OPTION_INVALID */
export function booleanOf(object: JsonObject, key: string): boolean {
  const value = object[key];
  if (typeof value === 'boolean') return value;
  throw new EphemosError('ERR_OPTION_INVALID', `"${key}" must be true or false`);
}
