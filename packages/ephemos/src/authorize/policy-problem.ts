// What is wrong with a policy file and where, for a reader who knows the line and column of each path.
import { EphemosError } from '../errors.ts';

/** One thing that is wrong with a value read from a file. */
export interface PolicyProblem {
  /** Keys and indexes from the top of the value, such as `['rules', 3, 'http', 'route']`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** How to mend it, where that is plain. */
  readonly hint?: string | undefined;
}

/** A place in a value, which collects the problems below it. */
export class Place {
  readonly path: readonly (string | number)[];
  readonly #problems: PolicyProblem[];

  constructor(problems: PolicyProblem[], path: readonly (string | number)[] = []) {
    this.#problems = problems;
    this.path = path;
  }

  at(key: string | number): Place {
    return new Place(this.#problems, [...this.path, key]);
  }

  report(message: string, hint?: string): void {
    this.#problems.push(Object.freeze({ path: this.path, message, hint }));
  }

  /** The result of a parse* function; its refusal is a problem of this place. */
  parse<T>(parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof EphemosError)) throw error;
      this.report(error.message, error.hint);
      return undefined;
    }
  }

  /** A mapping, each of its unknown keys reported with the nearest known one. */
  mapping(value: unknown, known: readonly string[]): Readonly<Record<string, unknown>> | undefined {
    if (!isMapping(value)) {
      this.report(`expected a mapping with the keys ${known.join(', ')}, and found ${kindOf(value)}`);
      return undefined;
    }
    for (const key of Object.keys(value).filter((each) => !known.includes(each))) {
      const near = nearestKey(key, known);
      const hint = near === undefined ? `the keys are ${known.join(', ')}` : `did you mean ${JSON.stringify(near)}?`;
      this.at(key).report(`unknown key ${JSON.stringify(key)}`, hint);
    }
    return value;
  }
}

/** The path as people write it: `rules[3].http.route`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}

/** What a value is, in the words of a YAML file. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}

/** The known key that is most like the given one, when one is like it at all. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const distance = editDistance(key.slice(0, 64).toLowerCase(), candidate.toLowerCase());
    if (distance < least) [nearest, least] = [candidate, distance];
  }
  return nearest !== undefined && least <= Math.max(2, nearest.length / 3) && least < nearest.length ? nearest : undefined;
}

/** How many letters to add, drop, change or swap with their neighbour. */
function editDistance(from: string, to: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = from[i - 1] === to[j - 1] ? 0 : 1;
      const swap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? (beforeLast[j - 2] ?? 0) + 1 : Infinity;
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + change, swap));
    }
    [beforeLast, last] = [last, row];
  }
  return last[to.length] ?? 0;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
