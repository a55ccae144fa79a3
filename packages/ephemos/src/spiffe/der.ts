// A strict reader of DER (X.690 section 10): bytes in, elements out. Anything that is not the one canonical form is refused.
import { EphemosError } from '../errors.ts';

/** One tag-length-value, as positions in the bytes it was read from. */
export interface DerElement {
  readonly bytes: Uint8Array;
  readonly tag: number;
  /** Position of the tag. */
  readonly start: number;
  /** Position of the first byte of the contents. */
  readonly contents: number;
  /** Position after the last byte of the contents. */
  readonly end: number;
}

/** Universal tags that X.509 uses. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** A cursor over the elements between two positions. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #position: number;

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  /** A cursor over the contents of an element. */
  static inside(element: DerElement): DerReader {
    return new DerReader(element.bytes, element.contents, element.end);
  }

  get done(): boolean {
    return this.#position >= this.#end;
  }

  /** The tag of the next element, or -1 at the end. */
  peek(): number {
    return this.done ? -1 : (this.#bytes[this.#position] ?? -1);
  }

  /** Reads the next element, whatever its tag. */
  any(): DerElement {
    const start = this.#position;
    const tag = this.#byte(start);
    if ((tag & 0x1f) === 0x1f) throw malformed('a tag number above 30');
    const [length, contents] = this.#length(start + 1);
    const end = contents + length;
    if (end > this.#end) throw malformed('a length that runs past the end');
    this.#position = end;
    return { bytes: this.#bytes, tag, start, contents, end };
  }

  /** Reads the next element, which must have this tag. */
  expect(tag: number, what: string): DerElement {
    if (this.peek() !== tag) throw malformed(`no ${what} where one is due`);
    return this.any();
  }

  /** Reads the next element if it has this tag. */
  optional(tag: number): DerElement | undefined {
    return this.peek() === tag ? this.any() : undefined;
  }

  /** Refuses anything left over. */
  finish(what: string): void {
    if (!this.done) throw malformed(`bytes after the end of ${what}`);
  }

  #byte(position: number): number {
    const value = position < this.#end ? this.#bytes[position] : undefined;
    if (value === undefined) throw malformed('a truncated element');
    return value;
  }

  #length(position: number): readonly [length: number, contents: number] {
    const first = this.#byte(position);
    if (first < 0x80) return [first, position + 1];
    const count = first & 0x7f;
    // 0x80 is the indefinite form, which DER forbids; four bytes hold any length that can come in.
    if (count === 0 || count > 4) throw malformed('an indefinite or oversized length');
    let length = 0;
    for (let i = 1; i <= count; i++) length = length * 256 + this.#byte(position + i);
    const shortest = length >= 0x80 && length >= 256 ** (count - 1);
    if (!shortest) throw malformed('a length that is not in its shortest form');
    return [length, position + 1 + count];
  }
}

/** The whole element, tag and length included. */
export function encodingOf(element: DerElement): Uint8Array {
  return element.bytes.subarray(element.start, element.end);
}

/** The contents alone. */
export function contentsOf(element: DerElement): Uint8Array {
  return element.bytes.subarray(element.contents, element.end);
}

/** BOOLEAN: TRUE is 0xff and FALSE 0x00, nothing else. */
export function readBoolean(element: DerElement): boolean {
  const value = element.bytes[element.contents];
  if (element.end - element.contents !== 1 || (value !== 0xff && value !== 0x00))
    throw malformed('a BOOLEAN that is neither TRUE nor FALSE');
  return value === 0xff;
}

/** Checks that an INTEGER is in its shortest form and returns its contents. */
export function readInteger(element: DerElement): Uint8Array {
  const contents = contentsOf(element);
  const [first, second] = contents;
  if (first === undefined) throw malformed('an empty INTEGER');
  if (second !== undefined && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw malformed('an INTEGER that is not in its shortest form');
  }
  return contents;
}

/** A small non-negative INTEGER, at most 2^31-1. */
export function readSmallInteger(element: DerElement): number {
  const contents = readInteger(element);
  if ((contents[0] ?? 0) >= 0x80 || contents.length > 4) throw malformed('an INTEGER out of range');
  return contents.reduce((value, byte) => value * 256 + byte, 0);
}

/** The bits of a BIT STRING with no unused bits, such as a key or a signature. */
export function readOctetAlignedBits(element: DerElement): Uint8Array {
  const contents = contentsOf(element);
  if (contents[0] !== 0) throw malformed('a BIT STRING that is not whole bytes');
  return contents.subarray(1);
}

/** A BIT STRING of at most 16 flags; bit 0 is the most significant. */
export function readFlags(element: DerElement): number {
  const contents = contentsOf(element);
  const unused = contents[0];
  if (unused === undefined || unused > 7 || (contents.length === 1 && unused !== 0))
    throw malformed('a BIT STRING with a bad count of unused bits');
  if (contents.length > 3) throw malformed('a BIT STRING of more flags than there are');
  const last = contents[contents.length - 1] ?? 0;
  if (contents.length > 1 && (last & ((1 << unused) - 1)) !== 0) throw malformed('a BIT STRING whose unused bits are set');
  return ((contents[1] ?? 0) << 8) | (contents[2] ?? 0);
}

/** An OBJECT IDENTIFIER in dotted form. */
export function readObjectIdentifier(element: DerElement): string {
  const contents = contentsOf(element);
  if (contents.length === 0 || contents.length > 64) throw malformed('an empty or oversized OBJECT IDENTIFIER');
  let text = '';
  let arc = 0;
  let fresh = true;
  for (const byte of contents) {
    if (fresh && byte === 0x80) throw malformed('an OBJECT IDENTIFIER arc that is not in its shortest form');
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw malformed('an OBJECT IDENTIFIER arc out of range');
    fresh = byte < 0x80;
    if (!fresh) continue;
    text += text === '' ? firstArcs(arc) : `.${arc}`;
    arc = 0;
  }
  if (!fresh) throw malformed('a truncated OBJECT IDENTIFIER');
  return text;
}

function firstArcs(value: number): string {
  const first = Math.min(Math.floor(value / 40), 2);
  return `${first}.${value - first * 40}`;
}

/** Text of printable ASCII; anything else is refused, so a NUL or a control byte never reaches a comparison. */
export function readAscii(element: DerElement): string {
  let text = '';
  for (let i = element.contents; i < element.end; i++) {
    const code = element.bytes[i] ?? 0;
    if (code < 0x20 || code > 0x7e) throw malformed('text that is not printable ASCII');
    text += String.fromCharCode(code);
  }
  return text;
}

/** UTCTime or GeneralizedTime in the forms of RFC 5280 section 4.1.2.5, as milliseconds since 1970. */
export function readTime(reader: DerReader): number {
  const tag = reader.peek();
  if (tag !== TAG.utcTime && tag !== TAG.generalizedTime) throw malformed('no time where one is due');
  const text = readAscii(reader.any());
  const match = (tag === TAG.utcTime ? UTC_TIME : GENERALIZED_TIME).exec(text);
  if (match === null) throw malformed('a time that is not in the form of RFC 5280');
  const [, years = '', ...rest] = match;
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number);
  const year = tag === TAG.utcTime ? Number(years) + (Number(years) < 50 ? 2000 : 1900) : Number(years);
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, day);
  time.setUTCHours(hour, minute, second);
  // Date rolls 31 February over into March; a date that comes back changed was none.
  const real = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!real) throw malformed('a time that does not exist');
  return time.getTime();
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** True when two byte strings are the same. Not constant-time: for public values only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** The error for bytes that are not what X.509 asks for. */
export function malformed(what: string): EphemosError {
  return new EphemosError('ERR_CERTIFICATE_INVALID', `the certificate holds ${what}`);
}
