// Anything that is given to a log in; values that JSON can hold, bounded in depth, number and length, out. Never throws.

/** Most characters of one text; what is left says how many there were. */
export const MAX_TEXT = 4096;
/** How many objects may be inside one another. */
export const MAX_DEPTH = 6;
/** Most members of one object or list. */
export const MAX_MEMBERS = 100;
/** Most values in one line. */
export const MAX_VALUES = 1000;
/** Most characters of all texts in one line; short ones are there in any case. */
export const MAX_CHARACTERS = 32_768;
const SHORT_TEXT = 64;
/** Most causes of one error. */
export const MAX_CAUSES = 8;

/** Fields of a line. */
export type Fields = Record<string, unknown>;

interface Rest {
  values: number;
  characters: number;
  readonly stack: (error: Error) => boolean;
}

const MORE = '[more]';
const UNREADABLE = '[cannot be read]';

// A second field of these names would take the place of ours.
const OURS: ReadonlySet<string> = new Set(['level', 'time', 'service']);
const TOLD: ReadonlySet<string> = new Set(['name', 'code', 'message', 'hint', 'stack', 'cause', 'errors']);
const NONE: ReadonlySet<string> = new Set();

/**
 * The fields of a line. Errors become code, message, hint and causes wherever they are; binary data becomes its length.
 * @param stack whether an error is shown with its stack
 */
export function plainFields(fields: object, stack: (error: Error) => boolean): Fields {
  const rest: Rest = { values: MAX_VALUES, characters: MAX_CHARACTERS, stack };
  const into: Fields = {};
  if (fields instanceof Map) addEntries(into, fields, rest, 0);
  else if (fields instanceof Error) into['err'] = plainObject(fields, rest, 0);
  else addMembers(into, fields, rest, 0, OURS);
  return into;
}

/** A text of at most `max` characters, and how many there were. */
export function cutText(text: string, max: number = MAX_TEXT): string {
  return text.length <= max ? text : `${text.slice(0, max)}... (${text.length} characters)`;
}

function plainText(text: string, rest: Rest): string {
  const cut = cutText(text, Math.max(Math.min(MAX_TEXT, rest.characters), SHORT_TEXT));
  rest.characters = Math.max(rest.characters - cut.length, 0);
  return cut;
}

function plainValue(value: unknown, rest: Rest, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return plainText(value, rest);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return plainText(String(value), rest);
    case 'object':
      return value === null ? null : plainObject(value, rest, depth);
    case 'boolean':
      return value;
    default:
      return undefined;
  }
}

function plainObject(value: object, rest: Rest, depth: number): unknown {
  try {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer)
      return `[${value.byteLength} bytes]`;
    if (depth >= MAX_DEPTH) return '[deeper]';
    if (value instanceof Error) return plainError(value, rest, depth, 0);
    if ('toJSON' in value && typeof value.toJSON === 'function') return plainValue(value.toJSON(), rest, depth + 1);
    if (Array.isArray(value) || value instanceof Set) return plainList(value, rest, depth);
    const into: Fields = {};
    if (value instanceof Map) addEntries(into, value, rest, depth);
    else addMembers(into, value, rest, depth, NONE);
    return into;
  } catch {
    // A toJSON or a proxy of somebody else may throw.
    return UNREADABLE;
  }
}

function plainList(list: Iterable<unknown>, rest: Rest, depth: number): readonly unknown[] {
  const plain: unknown[] = [];
  for (const each of list) {
    if (plain.length >= MAX_MEMBERS || rest.values-- <= 0) {
      plain.push(MORE);
      break;
    }
    plain.push(plainValue(each, rest, depth + 1) ?? null);
  }
  return plain;
}

function addEntries(into: Fields, map: ReadonlyMap<unknown, unknown>, rest: Rest, depth: number): void {
  let count = 0;
  for (const [key, value] of map) {
    if (count++ >= MAX_MEMBERS || rest.values-- <= 0) {
      into[MORE] = true;
      return;
    }
    const name = plainValue(key, rest, depth + 1);
    addMember(into, typeof name === 'string' ? name : (JSON.stringify(name) ?? typeof key), plainValue(value, rest, depth + 1));
  }
}

function addMembers(into: Fields, value: object, rest: Rest, depth: number, skipped: ReadonlySet<string>): void {
  let count = 0;
  for (const key of keysOf(value)) {
    if (count++ >= MAX_MEMBERS || rest.values-- <= 0) {
      into[MORE] = true;
      return;
    }
    // Ours are kept under another name, those of an error are there already.
    if (!skipped.has(key)) addMember(into, key, plainValue(read(value, key), rest, depth + 1));
    else if (skipped === OURS) addMember(into, `${key}_`, plainValue(read(value, key), rest, depth + 1));
  }
}

function addMember(into: Fields, key: string, value: unknown): void {
  if (value === undefined) return;
  // By assignment this one would be lost.
  if (key === '__proto__') Object.defineProperty(into, key, { value, enumerable: true });
  else into[cutText(key)] = value;
}

function plainError(error: Error, rest: Rest, depth: number, causes: number): Fields {
  const plain: Fields = {};
  for (const key of ['name', 'code', 'message', 'hint'] as const)
    addMember(plain, key === 'name' ? 'type' : key, plainValue(read(error, key), rest, MAX_DEPTH));
  // What an error carries along must not use up what there is for its causes.
  const { values } = rest;
  addMembers(plain, error, rest, depth, TOLD);
  rest.values = Math.max(rest.values, Math.trunc(values / 2));
  if (rest.stack(error)) addMember(plain, 'stack', plainValue(read(error, 'stack'), rest, MAX_DEPTH));
  const cause = read(error, 'cause');
  if (cause instanceof Error) plain['cause'] = causes < MAX_CAUSES ? plainError(cause, rest, depth, causes + 1) : MORE;
  else addMember(plain, 'cause', plainValue(cause, rest, depth + 1));
  if (error instanceof AggregateError) plain['errors'] = plainValue(read(error, 'errors'), rest, depth + 1);
  return plain;
}

function keysOf(value: object): readonly string[] {
  try {
    return Object.keys(value);
  } catch {
    return [UNREADABLE];
  }
}

// A getter may throw.
function read(value: object, key: string): unknown {
  try {
    return Reflect.get(value, key);
  } catch {
    return UNREADABLE;
  }
}
