// A YAML file in, sections with known keys out. What is wrong becomes one line that names the file and the key.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A mistake in a configuration file: one line, and what to do about it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** A mapping of the file whose keys are all known ones. */
export interface Section {
  section(key: string, known: readonly string[]): Section;
  /** What stands under the key; undefined when nothing does. */
  value(key: string): unknown;
  /** @throws {ConfigError} when the key is missing or holds no text */
  text(key: string, example: string): string;
  /** The error for a key. */
  mistake(key: string, what: string, hint: string): ConfigError;
}

/** @throws {ConfigError} when the file cannot be read, is no YAML or has an unknown key */
export function openConfigFile(file: string, known: readonly string[]): Section {
  return createSection(file, '', parseYaml(file, readText(file)), known);
}

function createSection(file: string, prefix: string, content: unknown, known: readonly string[]): Section {
  const where = prefix === '' ? 'the file' : prefix.slice(0, -1);
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ConfigError(`${file}: ${where} must be a mapping`, `its keys are ${known.join(', ')}`);
  }
  const values = new Map<string, unknown>(Object.entries(content));
  const mistake: Section['mistake'] = (key, what, hint) => new ConfigError(`${file}: ${prefix}${key} ${what}`, hint);
  for (const key of values.keys()) {
    if (!known.includes(key)) throw mistake(key, 'is not a known key', `the keys of ${where} are ${known.join(', ')}`);
  }
  return {
    mistake,
    value: (key) => values.get(key) ?? undefined,
    section: (key, knownThere) => createSection(file, `${prefix}${key}.`, values.get(key) ?? {}, knownThere),
    text(key, example) {
      const value = values.get(key) ?? undefined;
      if (typeof value === 'string' && value !== '') return value;
      throw mistake(key, value === undefined ? 'is missing' : 'must be text', `write it as in ${key}: ${example}`);
    },
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? reasons.get(String(error.code)) : undefined;
    throw new ConfigError(
      `${file}: cannot be read: ${reason ?? String(error)}`,
      'set EPHEMOS_CONFIG_PATH to a configuration file that this user may read',
    );
  }
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['EACCES', 'this user may not read it'],
  ['EISDIR', 'it is a directory'],
]);

function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text, { logLevel: 'error' });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // The lines after the first one show the place in the file.
    const [reason = ''] = error.message.split('\n');
    throw new ConfigError(`${file}: is not YAML: ${reason.replace(/:$/, '')}`, 'look at that place, and at what stands before it');
  }
}
