// Our certificate reader beside an oracle: equal on what is well formed, and on what was tampered with never fooled into another reading.
import { createTestAuthority, type RawCertificateOptions } from '@ephemos/dev';
import { EphemosError } from 'ephemos/errors';
import { Certificate } from 'ephemos/spiffe';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueCa, issueLeaf, issueRoot } from '../spiffe/certificates.ts';
import {
  childAt,
  childrenOf,
  type DerNode,
  decodeTree,
  element,
  encodeTree,
  objectIdentifier,
  replace,
  TBS,
  text,
} from '../spiffe/der-tree.ts';
import { type CertificateView, oracleViewOf, viewOf, withYearsOfOracle } from './oracle.ts';
import { numRuns } from './runs.ts';
import { withoutUnread } from './unread.ts';

let pool: readonly Uint8Array[];
let base: Uint8Array;

beforeAll(async () => {
  const root = await issueRoot();
  const leaves: readonly RawCertificateOptions[] = [
    {},
    { subject: '' },
    { uris: ['spiffe://example.org/a', 'https://example.org/'], dnsNames: ['a.example', 'b.example'] },
    { keyType: 'rsa-2048', hash: 'SHA-384' },
    { keyType: 'ed25519' },
    { keyType: 'ec-p384' },
    { basicConstraints: 'absent', keyUsage: 'absent', extendedKeyUsage: 'absent' },
    { notBefore: new Date(Date.UTC(1999, 0, 1)), notAfter: new Date(Date.UTC(2099, 0, 1)) },
    {
      extraExtensions: [
        { oid: '1.2.840.113549.1', critical: true, der: element(5) },
        { oid: '2.999.3', der: new Uint8Array() },
      ],
    },
    { subject: 'CN=web, O=Example, C=DE' },
  ];
  const cas: readonly RawCertificateOptions[] = [
    { basicConstraints: { ca: true, pathLen: 3 } },
    { nameConstraints: { permittedUris: ['example.org', '.example.net'], excludedDnsNames: ['evil.example'] } },
    { uris: ['spiffe://example.org'], serial: '00ff' },
  ];
  const issued = await Promise.all([...leaves.map((options) => issueLeaf(root, options)), ...cas.map((options) => issueCa(root, options))]);
  pool = [root, ...issued].map(({ der }) => der);
  base = (await createTestAuthority('example.org').issueCertificate({})).der;
});

/** Parses, and allows no other failure than ours. */
function parse(der: Uint8Array): CertificateView | EphemosError {
  try {
    return viewOf(Certificate.parse(der));
  } catch (error) {
    if (error instanceof EphemosError && error.code === 'ERR_CERTIFICATE_INVALID') return error;
    throw error;
  }
}

function oracle(der: Uint8Array): CertificateView | Error {
  try {
    return oracleViewOf(der);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

describe('a certificate that is well formed', () => {
  const word = fc.stringMatching(/^[a-z0-9-]{1,8}$/);
  const name = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('.'));
  const uri = fc.tuple(fc.constantFrom('spiffe', 'https', 'urn'), name, word).map(([scheme, host, path]) => `${scheme}://${host}/${path}`);
  const small = fc.nat({ max: 2 ** 31 - 1 });
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const time = fc.date({ min: new Date(Date.UTC(1950, 0, 1)), max: new Date(Date.UTC(9999, 11, 31)), noInvalidDate: true });
  const arc = fc.oneof(fc.nat(200), fc.nat(2 ** 31 - 1));
  const oid = fc
    .tuple(fc.constantFrom('1.2', '1.3.6', '2.5.99', '2.16.840'), fc.array(arc, { minLength: 1, maxLength: 4 }))
    .map(([head, arcs]) => [head, ...arcs].join('.'));
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 24 });

  const model = fc.record({
    notBefore: time,
    notAfter: time,
    uris: fc.array(uri, { maxLength: 3 }),
    dnsNames: fc.array(name, { maxLength: 3 }),
    addresses: fc.array(fc.uint8Array({ minLength: 4, maxLength: 4 }), { maxLength: 2 }),
    basic: optional(fc.record({ ca: fc.boolean(), pathLength: optional(small) })),
    keyUsage: optional(fc.record({ bits: fc.uniqueArray(fc.nat({ max: 8 }), { minLength: 1 }), critical: fc.boolean() })),
    extendedKeyUsage: optional(fc.array(oid, { minLength: 1, maxLength: 4 })),
    subjectKeyId: optional(bytes),
    authorityKeyId: optional(bytes),
    permitted: fc.record({ uris: fc.array(name, { maxLength: 3 }), dnsNames: fc.array(name, { maxLength: 3 }) }),
    excluded: fc.record({ uris: fc.array(name, { maxLength: 3 }), dnsNames: fc.array(name, { maxLength: 3 }) }),
    unknown: fc.uniqueArray(fc.record({ oid, critical: fc.boolean(), der: bytes }), {
      selector: (extension) => extension.oid,
      maxLength: 3,
    }),
  });
  type Model = typeof model extends fc.Arbitrary<infer T> ? T : never;

  it('is read as the oracle reads it, and as it was written', () => {
    fc.assert(
      fc.property(model, (written) => {
        const der = write(written);
        const expected = expectedOf(written);
        expect(parse(der)).toEqual(expected);
        expect(oracle(der)).toEqual(expected);
      }),
      { numRuns },
    );
  });

  function write(written: Model): Uint8Array {
    const tree = decodeTree(base);
    const tbs = childAt(tree, 0);
    replace(childAt(tbs, TBS.validity), element(0x30, encodeTime(written.notBefore), encodeTime(written.notAfter)));
    replace(childAt(tbs, TBS.extensions), element(0xa3, element(0x30, ...encodeExtensions(written))));
    return encodeTree(tree);
  }

  function encodeExtensions({
    uris,
    dnsNames,
    addresses,
    basic,
    keyUsage,
    extendedKeyUsage,
    subjectKeyId,
    authorityKeyId,
    permitted,
    excluded,
    unknown,
  }: Model): readonly Uint8Array[] {
    const list: Uint8Array[] = [];
    const names = [...addresses.map((address) => element(0x87, address)), ...encodeNames({ uris, dnsNames })];
    if (names.length > 0) list.push(encodeExtension('2.5.29.17', false, element(0x30, ...names)));
    if (basic !== undefined) {
      const flag = basic.ca ? [element(1, Uint8Array.of(0xff))] : [];
      const length = basic.pathLength === undefined ? [] : [element(2, encodeInteger(basic.pathLength))];
      list.push(encodeExtension('2.5.29.19', true, element(0x30, ...flag, ...length)));
    }
    if (keyUsage !== undefined) list.push(encodeExtension('2.5.29.15', keyUsage.critical, element(3, encodeBits(keyUsage.bits))));
    if (extendedKeyUsage !== undefined)
      list.push(encodeExtension('2.5.29.37', false, element(0x30, ...extendedKeyUsage.map(objectIdentifier))));
    if (subjectKeyId !== undefined) list.push(encodeExtension('2.5.29.14', false, element(4, subjectKeyId)));
    if (authorityKeyId !== undefined) list.push(encodeExtension('2.5.29.35', false, element(0x30, element(0x80, authorityKeyId))));
    const subtrees = [
      [0xa0, encodeNames(permitted)],
      [0xa1, encodeNames(excluded)],
    ] as const;
    const constraints = subtrees
      .filter(([, bases]) => bases.length > 0)
      .map(([tag, bases]) => element(tag, ...bases.map((encoded) => element(0x30, encoded))));
    if (constraints.length > 0) list.push(encodeExtension('2.5.29.30', true, element(0x30, ...constraints)));
    return [...list, ...unknown.map((extension) => encodeExtension(extension.oid, extension.critical, extension.der))];
  }

  function expectedOf(written: Model): CertificateView {
    const { basic, keyUsage, unknown, permitted, excluded } = written;
    return {
      notBefore: wholeSeconds(written.notBefore),
      notAfter: wholeSeconds(written.notAfter),
      uris: written.uris,
      dnsNames: written.dnsNames,
      isCa: basic?.ca ?? false,
      pathLength: basic?.pathLength,
      keyUsage: keyUsage?.bits.reduce((flags, bit) => flags | (0x8000 >> bit), 0),
      keyUsageCritical: keyUsage?.critical ?? false,
      extendedKeyUsage: written.extendedKeyUsage,
      subjectKeyId: written.subjectKeyId === undefined ? undefined : Buffer.from(written.subjectKeyId).toString('hex'),
      authorityKeyId: written.authorityKeyId === undefined ? undefined : Buffer.from(written.authorityKeyId).toString('hex'),
      unknownCritical: unknown.filter(({ critical }) => critical).map(({ oid: unknownOid }) => unknownOid),
      permittedUris: permitted.uris,
      excludedUris: excluded.uris,
      permittedDnsNames: permitted.dnsNames,
      excludedDnsNames: excluded.dnsNames,
    };
  }
});

// Tags that mean something in a certificate.
const TAGS = [1, 2, 3, 4, 5, 6, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x80, 0x81, 0x82, 0x86, 0x87, 0x88, 0xa0, 0xa1, 0xa3, 0xa4, 0xa6];

describe('a certificate that was tampered with', () => {
  const index = fc.nat(2 ** 31 - 1);
  const damage = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), bits: fc.array(index, { minLength: 1, maxLength: 8 }) }),
    fc.record({ kind: fc.constant('truncate' as const), at: index }),
    fc.record({ kind: fc.constant('overwrite' as const), at: index, bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }) }),
    fc.record({ kind: fc.constant('insert' as const), at: index, bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }) }),
    fc.record({ kind: fc.constant('cut' as const), at: index, count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('length' as const), at: index, by: fc.integer({ min: -3, max: 3 }) }),
  );
  const splice = fc.record({
    kind: fc.constantFrom('replace', 'insert', 'delete', 'twice', 'retag', 'bytes'),
    other: index,
    from: index,
    to: index,
    tag: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...TAGS) }, { weight: 1, arbitrary: fc.nat(255) }),
    bytes: fc.uint8Array({ maxLength: 6 }),
  });

  const counts = { both: 0, bothInWhatWeRead: 0, oracleOnly: 0, neither: 0 };
  // Ours is the stricter one: these are the rules that the oracle does not hold.
  const stricter = new Map<string, number>();
  afterAll(() => {
    if (process.env['EPHEMOS_FUZZ_RUNS'] !== undefined) console.log('accepted by', counts, 'refused by ours alone', stricter);
  });

  /**
   * Ours is never fooled: what it accepts, the oracle reads to the same values. Where the oracle refuses, that is for a part that ours
   * takes as bytes (see `withoutUnread`): with that part made good the oracle reads the same values too.
   */
  function judge(der: Uint8Array): void {
    const begin = performance.now();
    const ours = parse(der);
    expect(performance.now() - begin).toBeLessThan(1000);
    const theirs = oracle(der);
    if (ours instanceof EphemosError) {
      counts[theirs instanceof Error ? 'neither' : 'oracleOnly'] += 1;
      if (!(theirs instanceof Error)) stricter.set(ours.message, (stricter.get(ours.message) ?? 0) + 1);
    } else if (theirs instanceof Error) {
      counts.bothInWhatWeRead += 1;
      expect(oracle(withoutUnread(der, base))).toEqual(withYearsOfOracle(ours));
    } else {
      counts.both += 1;
      expect(withYearsOfOracle(ours)).toEqual(theirs);
    }
  }

  function pick<T>(list: readonly T[], at: number): T {
    const item = list[at % list.length];
    if (item === undefined) throw new Error('an empty list');
    return item;
  }

  it('in its bytes is read like the oracle reads it, or refused', () => {
    fc.assert(
      fc.property(index, damage, (which, change) => judge(damaged(pick(pool, which), change))),
      { numRuns },
    );
  });

  it('in its elements, with lengths that fit again, is read like the oracle reads it, or refused', () => {
    fc.assert(
      fc.property(index, fc.array(splice, { minLength: 1, maxLength: 3 }), (which, changes) => {
        const tree = unfold(decodeTree(pick(pool, which)));
        for (const change of changes) spliced(tree, change);
        judge(encodeTree(tree));
      }),
      { numRuns },
    );
  });

  function damaged(der: Uint8Array, change: typeof damage extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
    const bytes = Uint8Array.from(der);
    switch (change.kind) {
      case 'flip':
        for (const bit of change.bits) {
          const at = (bit >>> 3) % bytes.length;
          bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
        }
        return bytes;
      case 'truncate':
        return bytes.subarray(0, change.at % bytes.length);
      case 'overwrite':
        bytes.set(change.bytes.subarray(0, 1), change.at % bytes.length);
        return bytes;
      case 'insert':
        return Buffer.concat([bytes.subarray(0, change.at % bytes.length), change.bytes, bytes.subarray(change.at % bytes.length)]);
      case 'cut':
        return Buffer.concat([bytes.subarray(0, change.at % bytes.length), bytes.subarray((change.at % bytes.length) + change.count)]);
      case 'length': {
        const at = pick(lengthPositions(decodeTree(der)), change.at);
        bytes[at] = (bytes[at] ?? 0) + change.by;
        return bytes;
      }
    }
  }

  function spliced(tree: DerNode, change: typeof splice extends fc.Arbitrary<infer T> ? T : never): void {
    const parents = nodesOf(tree).filter(({ value }) => !(value instanceof Uint8Array) && value.length > 0);
    const children = childrenOf(pick(parents, change.to));
    const at = change.from % children.length;
    const target = pick(children, at);
    const donor = pick(nodesOf(unfold(decodeTree(pick(pool, change.other)))), change.from);
    switch (change.kind) {
      case 'replace':
        children[at] = donor;
        break;
      case 'insert':
        children.splice(at, 0, donor);
        break;
      case 'delete':
        children.splice(at, 1);
        break;
      case 'twice':
        children.splice(at, 0, target);
        break;
      case 'retag':
        target.tag = change.tag;
        break;
      case 'bytes':
        children[at] = { tag: target.tag, value: change.bytes };
        break;
    }
  }
});

/** Opens the OCTET STRINGs of extensions, so that what is inside is tampered with too. Their tag stays that of a primitive element. */
function unfold(node: DerNode): DerNode {
  if (node.value instanceof Uint8Array) {
    if (node.tag !== 0x04 || node.value.length < 2) return node;
    try {
      return { tag: node.tag, value: [unfold(decodeTree(node.value))] };
    } catch {
      return node;
    }
  }
  return { tag: node.tag, value: node.value.map(unfold) };
}

function nodesOf(node: DerNode): readonly DerNode[] {
  return node.value instanceof Uint8Array ? [node] : [node, ...node.value.flatMap(nodesOf)];
}

/** Where the lengths stand: the byte behind each tag. */
function lengthPositions(node: DerNode, start = 0): readonly number[] {
  if (node.value instanceof Uint8Array) return [start + 1];
  const positions = [start + 1];
  let at = start + encodeTree(node).length - node.value.reduce((sum, child) => sum + encodeTree(child).length, 0);
  for (const child of node.value) {
    positions.push(...lengthPositions(child, at));
    at += encodeTree(child).length;
  }
  return positions;
}

function encodeNames({
  uris,
  dnsNames,
}: {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
}): readonly Uint8Array[] {
  return [...uris.map((value) => text(0x86, value)), ...dnsNames.map((value) => text(0x82, value))];
}

function encodeExtension(oid: string, critical: boolean, der: Uint8Array): Uint8Array {
  return element(0x30, objectIdentifier(oid), ...(critical ? [element(1, Uint8Array.of(0xff))] : []), element(4, der));
}

function encodeInteger(value: number): Uint8Array {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Uint8Array.of(0), bytes]) : bytes;
}

function encodeBits(bits: readonly number[]): Uint8Array {
  const last = Math.max(...bits);
  const contents = new Uint8Array(2 + (last >> 3));
  contents[0] = 7 - (last & 7);
  for (const bit of bits) contents[1 + (bit >> 3)] = (contents[1 + (bit >> 3)] ?? 0) | (0x80 >> (bit & 7));
  return contents;
}

function encodeTime(time: Date): Uint8Array {
  const digits = time
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[^\d]/g, '');
  return time.getUTCFullYear() < 2050 ? text(0x17, `${digits.slice(2)}Z`) : text(0x18, `${digits}Z`);
}

function wholeSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000) * 1000;
}
