// DER as a tree that can be edited and signed again: how certificates come about that no honest tool would make. Shares no code with our reader.
import { createPrivateKey, type SignKeyObjectInput, sign } from 'node:crypto';

export interface DerNode {
  tag: number;
  /** Children of a constructed element, contents of a primitive one. */
  value: DerNode[] | Uint8Array;
}

export function decodeTree(bytes: Uint8Array): DerNode {
  const [node, end] = decodeAt(bytes, 0);
  if (end !== bytes.length) throw new Error('bytes after the element');
  return node;
}

export function encodeTree({ tag, value }: DerNode): Uint8Array {
  return value instanceof Uint8Array ? element(tag, value) : element(tag, ...value.map(encodeTree));
}

/** One element. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(contents);
  return Buffer.concat([Uint8Array.of(tag), encodeLength(body.length), body]);
}

export function text(tag: number, value: string): Uint8Array {
  return element(tag, Buffer.from(value, 'latin1'));
}

export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** The child at a place, from the root down. */
export function childAt(node: DerNode, ...path: readonly number[]): DerNode {
  let current = node;
  for (const index of path) {
    const child = current.value instanceof Uint8Array ? undefined : current.value[index];
    if (child === undefined) throw new Error(`no child ${index}`);
    current = child;
  }
  return current;
}

/** The children of a constructed element, to be changed in place. */
export function childrenOf(node: DerNode): DerNode[] {
  if (node.value instanceof Uint8Array) throw new Error('a primitive element has no children');
  return node.value;
}

/** Places of the fields in a TBSCertificate of version 3. */
export const TBS = { version: 0, serial: 1, algorithm: 2, issuer: 3, validity: 4, subject: 5, spki: 6, extensions: 7 } as const;

/** A certificate with changes: `tbs` is edited in place. The signature stays what it was, so it is wrong. */
export function edited(certificate: Uint8Array, edit: (tbs: DerNode, whole: DerNode) => void): Uint8Array {
  const whole = decodeTree(certificate);
  edit(childAt(whole, 0), whole);
  return encodeTree(whole);
}

/** The key that signs, as PKCS#8 or with its parameters. */
export interface Signing {
  readonly pkcs8: Uint8Array;
  /** Default sha256; null for the keys that have their own. */
  readonly digest?: string | null;
  readonly parameters?: Omit<SignKeyObjectInput, 'key'>;
}

/** A certificate with changes, signed again. */
export function resigned(
  certificate: Uint8Array,
  { pkcs8, digest = 'sha256', parameters = {} }: Signing,
  edit: (tbs: DerNode, whole: DerNode) => void,
): Uint8Array {
  const whole = decodeTree(certificate);
  const tbs = childAt(whole, 0);
  edit(tbs, whole);
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  childAt(whole, 2).value = Buffer.concat([Uint8Array.of(0), sign(digest, encodeTree(tbs), { key, ...parameters })]);
  return encodeTree(whole);
}

/** The elements in a row or inside an element, each as it is encoded; one level only, so what is inside them may be anything. */
export function splitElements(bytes: Uint8Array): readonly Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let position = 0; position < bytes.length; ) {
    const { end } = headerAt(bytes, position);
    list.push(bytes.subarray(position, end));
    position = end;
  }
  return list;
}

export function contentsOf(encoded: Uint8Array): Uint8Array {
  const { contents, end } = headerAt(encoded, 0);
  return encoded.subarray(contents, end);
}

/** Puts an encoded element in the place of another. */
export function replace(node: DerNode, encoded: Uint8Array): void {
  const { tag, value } = decodeTree(encoded);
  node.tag = tag;
  node.value = value;
}

function headerAt(bytes: Uint8Array, start: number): { readonly contents: number; readonly end: number } {
  let contents = start + 2;
  let length = bytes[start + 1] ?? 0;
  if (length >= 0x80) {
    const count = length & 0x7f;
    length = bytes.subarray(contents, contents + count).reduce((value, byte) => value * 256 + byte, 0);
    contents += count;
  }
  if (contents + length > bytes.length) throw new Error('a length that runs past the end');
  return { contents, end: contents + length };
}

function decodeAt(bytes: Uint8Array, start: number): readonly [node: DerNode, end: number] {
  const tag = bytes[start] ?? 0;
  const { contents, end } = headerAt(bytes, start);
  if ((tag & 0x20) === 0) return [{ tag, value: bytes.slice(contents, end) }, end];
  const children: DerNode[] = [];
  for (let position = contents; position < end; ) {
    const [child, next] = decodeAt(bytes, position);
    children.push(child);
    position = next;
  }
  return [{ tag, value: children }, end];
}

function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

function base128(arc: number): number[] {
  const groups = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) groups.unshift((rest % 128) | 0x80);
  return groups;
}
