// The DER reader on anything: it fails in its own way only, and what it reads has exactly one encoding.
import { EphemosError } from 'ephemos/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contentsOf,
  type DerElement,
  DerReader,
  encodingOf,
  readAscii,
  readBoolean,
  readFlags,
  readInteger,
  readObjectIdentifier,
  readSmallInteger,
  readTime,
} from '../../src/spiffe/der.ts';
import { type DerNode, element, encodeTree, objectIdentifier } from '../spiffe/der-tree.ts';
import { numRuns } from './runs.ts';

/** The value, or undefined when the reader refused. Any other failure fails the test. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof EphemosError && error.code === 'ERR_CERTIFICATE_INVALID') return undefined;
    throw error;
  }
}

/** Everything that the reader sees, as a tree. */
function treeOf(read: DerElement): DerNode {
  if ((read.tag & 0x20) === 0) return { tag: read.tag, value: Uint8Array.from(contentsOf(read)) };
  const children: DerNode[] = [];
  for (const inside = DerReader.inside(read); !inside.done; ) children.push(treeOf(inside.any()));
  return { tag: read.tag, value: children };
}

const primitive = fc.record({
  tag: fc.constantFrom(1, 2, 3, 4, 5, 6, 0x0c, 0x13, 0x17, 0x80, 0x86),
  value: fc.uint8Array({ maxLength: 300 }),
});
const { node } = fc.letrec<{ node: DerNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    primitive,
    fc.record({ tag: fc.constantFrom(0x30, 0x31, 0xa0, 0xa3), value: fc.array(tie('node'), { maxLength: 4 }) }),
  ),
}));

// Bytes that look like DER now and then: small tags, small lengths.
const nearly = fc
  .array(fc.oneof(fc.nat(255), fc.constantFrom(0x30, 0x02, 0x04, 0x80, 0x81, 0x82, 0x84, 0, 1, 2, 3, 0x7f)), { maxLength: 64 })
  .map((bytes) => Uint8Array.from(bytes));

describe('the reader', () => {
  it('reads back every tree that was written', () => {
    fc.assert(
      fc.property(node, (tree) => {
        const file = new DerReader(encodeTree(tree));
        expect(treeOf(file.any())).toEqual(tree);
        expect(file.done).toBe(true);
      }),
      { numRuns },
    );
  });

  it('reads nothing that would be written in another way', () => {
    fc.assert(
      fc.property(nearly, (bytes) => {
        const file = new DerReader(bytes);
        const read = attempt(() => file.any());
        if (read === undefined) return;
        const tree = attempt(() => treeOf(read));
        if (tree !== undefined) expect(Buffer.from(encodeTree(tree)).toString('hex')).toBe(Buffer.from(encodingOf(read)).toString('hex'));
      }),
      { numRuns },
    );
  });

  it('makes one number of an INTEGER, and the number makes its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9 }), (bytes) => {
        const read = new DerReader(element(2, bytes)).any();
        const contents = attempt(() => readInteger(read));
        const value = attempt(() => readSmallInteger(read));
        const big = BigInt.asIntN(bytes.length * 8, BigInt(`0x0${Buffer.from(bytes).toString('hex')}`));
        // The shortest form is the one whose number does not fit into a byte less.
        const shortest = bytes.length === 1 || (bytes.length > 1 && BigInt.asIntN((bytes.length - 1) * 8, big) !== big);
        expect(contents !== undefined).toBe(shortest);
        expect(value).toBe(shortest && big >= 0n && big < 2n ** 31n ? Number(big) : undefined);
      }),
      { numRuns },
    );
  });

  it('makes one name of an OBJECT IDENTIFIER, and the name makes its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const name = attempt(() => readObjectIdentifier(new DerReader(element(6, bytes)).any()));
        if (name === undefined) return;
        const [first = 0, second = 0, ...rest] = name.split('.').map(Number);
        expect(Buffer.from(objectIdentifier([first, second, ...rest].join('.'))).toString('hex')).toBe(
          Buffer.from(element(6, bytes)).toString('hex'),
        );
      }),
      { numRuns },
    );
  });

  it('reads every time that there is, and no other', () => {
    const digits = fc
      .array(fc.nat(99), { minLength: 6, maxLength: 7 })
      .map((pairs) => pairs.map((pair) => String(pair).padStart(2, '0')).join(''));
    fc.assert(
      fc.property(digits, (text) => {
        const general = text.length === 14;
        const read = attempt(() => readTime(new DerReader(element(general ? 0x18 : 0x17, Buffer.from(`${text}Z`)))));
        const year = general ? text.slice(0, 4) : `${Number(text.slice(0, 2)) < 50 ? 20 : 19}${text.slice(0, 2)}`;
        const iso = `${year}-${text.slice(-10, -8)}-${text.slice(-8, -6)}T${text.slice(-6, -4)}:${text.slice(-4, -2)}:${text.slice(-2)}.000Z`;
        const exists = !Number.isNaN(Date.parse(iso)) && new Date(iso).toISOString() === iso;
        expect(read).toBe(exists ? Date.parse(iso) : undefined);
      }),
      { numRuns },
    );
  });

  it('fails in its own way only, whatever the contents', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3, 6, 0x17, 0x18, 0x86), fc.uint8Array({ maxLength: 70 }), (tag, bytes) => {
        const encoded = element(tag, bytes);
        for (const read of [readBoolean, readFlags, readAscii, readInteger, readSmallInteger, readObjectIdentifier])
          attempt(() => read(new DerReader(encoded).any()));
        attempt(() => readTime(new DerReader(encoded)));
      }),
      { numRuns },
    );
  });
});
