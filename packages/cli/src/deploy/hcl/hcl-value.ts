// A configuration of SPIRE as it is written: objects, lists and literals, each with its place. HCL 1 (github.com/hashicorp/hcl), which is not HCL 2.

/** A place in a text. Both count from 1; columns are characters. */
export interface HclPlace {
  readonly line: number;
  readonly column: number;
}

/** A name in front of a value; `NodeAttestor "x509pop" { }` has two. */
export interface HclKey extends HclPlace {
  readonly name: string;
}

/** `key = value`, or `key "label" { }`. */
export interface HclItem {
  readonly keys: readonly [HclKey, ...HclKey[]];
  readonly value: HclValue;
}

/** `{ }` */
export interface HclObject extends HclPlace {
  readonly kind: 'object';
  readonly items: readonly HclItem[];
}

/** `[ ]` */
export interface HclList extends HclPlace {
  readonly kind: 'list';
  readonly values: readonly HclValue[];
}

/** A text, a number, `true` or `false`; `null` in JSON. */
export interface HclLiteral extends HclPlace {
  readonly kind: 'string' | 'number' | 'boolean' | 'null';
  /** What a string means; the others as they are written. */
  readonly text: string;
}

/** Any value. */
export type HclValue = HclObject | HclList | HclLiteral;

/** A text that is not HCL. */
export class HclError extends Error {
  override readonly name = 'HclError';
  readonly place: HclPlace;
  readonly hint: string | undefined;

  constructor(message: string, place: HclPlace, hint?: string) {
    super(message);
    this.place = place;
    this.hint = hint;
  }
}
