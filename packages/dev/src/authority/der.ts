// Turns values into DER (X.690), for the few extensions that must be writable wrongly.
import { Buffer } from 'node:buffer';

/** One DER element: a tag and its content. */
export function derElement(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(content);
  return Buffer.concat([Uint8Array.of(tag), derLength(body.length), body]);
}

/** A SEQUENCE of elements. */
export function derSequence(...elements: readonly Uint8Array[]): Uint8Array {
  return derElement(0x30, ...elements);
}

/** A GeneralName of RFC 5280, section 4.2.1.6. Characters outside ASCII are written as UTF-8, although IA5String forbids them. */
export function derGeneralName(kind: 'dns' | 'uri', value: string): Uint8Array {
  return derElement(kind === 'dns' ? 0x82 : 0x86, Buffer.from(value, 'utf8'));
}

function derLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}
