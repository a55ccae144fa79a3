// Label values that somebody outside may choose: the first few are told apart, the others share one.

/** Longest label value that is shown. */
export const MAX_LABEL_CHARACTERS = 256;

/** What belongs to each label value. */
export interface BoundedLabels<T> {
  /** What was made for a value; `undefined` for one that is not told apart. */
  known(value: string): T | undefined;
  /** The same, made now when there is room. */
  admit(value: string): T;
  /** What all other values share. */
  readonly other: T;
}

/** Tells `most` values apart. @param other the value that the others are shown as */
export function createBoundedLabels<T>(most: number, other: string, make: (value: string) => T): BoundedLabels<T> {
  const made = new Map<string, T>();
  let shared: T | undefined;

  function sharedOne(): T {
    shared ??= make(other);
    return shared;
  }

  return {
    known: (value) => made.get(value),
    admit(value) {
      const known = made.get(value);
      if (known !== undefined) return known;
      if (made.size >= most || value.length > MAX_LABEL_CHARACTERS || value === other) return sharedOne();
      const added = make(value);
      made.set(value, added);
      return added;
    },
    get other() {
      return sharedOne();
    },
  };
}
