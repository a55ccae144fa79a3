// What is wrong with a policy file and where, for a reader who knows the line and column of each path.
import { EphemosError, nearestWord } from '../errors.ts';

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
      const near = nearestWord(key, known, (length) => Math.max(2, length / 3));
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

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
