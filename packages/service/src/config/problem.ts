// What is wrong with a configuration and where; all of it in one error.
import { EphemosError } from 'ephemos/errors';

/** Keys and indexes from the top of a file, such as `['service', 'authorized_clients', 0]`. */
export type KeyPath = readonly (string | number)[];

/** Something that is wrong at a key, before it is known where that key was set. */
export interface KeyProblem {
  readonly path: KeyPath;
  readonly message: string;
  /** How to mend it, where that is plain. */
  readonly hint?: string | undefined;
}

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** The file, as it was named. */
  readonly file: string | undefined;
  /** From 1; none when the problem is the file itself. */
  readonly line: number | undefined;
  /** In characters, from 1. */
  readonly column: number | undefined;
  /** The environment variable, when the value came from one. */
  readonly variable: string | undefined;
  /** The key, such as `service.authorized_clients[0]`; empty for the whole file. */
  readonly key: string;
  readonly message: string;
  /** How to mend it, where that is plain. */
  readonly hint: string | undefined;
}

/** A configuration was refused, whole. `message` is its first problem. */
export class ConfigError extends EphemosError {
  /** The problems by place: the files first, then the variables. Never empty. */
  readonly problems: readonly ConfigProblem[];
  /** How many there are; more than are named when that would be a flood. */
  readonly total: number;

  /** @param total how many there are, when that is more than are named */
  constructor(problems: readonly [ConfigProblem, ...ConfigProblem[]], total: number = problems.length) {
    super('ERR_CONFIG_INVALID', formatProblem(problems[0]) + (total === 1 ? '' : ` (and ${total - 1} more)`), {
      hint: total === 1 ? undefined : '"ephemos config validate" lists them all',
    });
    this.problems = Object.freeze([...problems]);
    this.total = total;
  }
}

/** The refusal of one value, before it is known where it was set. */
export function invalid(message: string, hint?: string): EphemosError {
  return new EphemosError('ERR_CONFIG_INVALID', message, { hint });
}

/** One line: `file:line:column: key: message; hint`, or the name of the variable in place of the file and the key. */
export function formatProblem({ file, line, column, variable, key, message, hint }: ConfigProblem): string {
  const place = variable ?? [file, line, column].filter((each) => each !== undefined).join(':');
  const parts = [place, variable === undefined ? key : '', hint === undefined ? message : `${message}; ${hint}`];
  return parts.filter((each) => each !== '').join(': ');
}

/** The path as people write it: `service.authorized_clients[0]`. */
export function formatPath(path: KeyPath): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${shownKey(key)}`)).join('');
}

function shownKey(key: string): string {
  return /^[A-Za-z0-9_-]{1,60}$/.test(key) ? key : JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}...` : key);
}

/** What a value is, in the words of a YAML file. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return `${value}`;
  return typeof value === 'string' ? 'a text' : 'a mapping';
}

/** A text from a file as it is shown: quoted, and not much of it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}

/** A value from a file as it is shown: a text quoted, anything else in a word. */
export function describeValue(value: unknown): string {
  return typeof value === 'string' ? quote(value) : kindOf(value);
}
