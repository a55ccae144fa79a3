// The X.509 extensions that decide whether a chain is good: DER in, plain values out (RFC 5280 section 4.2).
import {
  contentsOf,
  type DerElement,
  DerReader,
  malformed,
  readAscii,
  readBoolean,
  readFlags,
  readObjectIdentifier,
  readSmallInteger,
  TAG,
} from './der.ts';
import { checkGeneralName, type NameConstraints, readNameConstraints } from './name-constraints.ts';

/** Bits of KeyUsage as {@link Extensions.keyUsage} holds them: bit 0 of the standard is the most significant of 16. */
export const KEY_USAGE = {
  digitalSignature: 0x8000,
  keyCertSign: 0x0400,
  crlSign: 0x0200,
} as const;

/** Extended key usages of RFC 5280 section 4.2.1.12 that concern TLS. */
export const EXTENDED_KEY_USAGE = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  any: '2.5.29.37.0',
} as const;

/** What the extensions of one certificate say. Absent extensions leave their field undefined. */
export interface Extensions {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** GeneralName tags of subject alternative names other than URI and DNS. */
  readonly otherNames: ReadonlySet<number>;
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  readonly keyUsage: number | undefined;
  readonly keyUsageCritical: boolean;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
  /** Object identifiers of critical extensions that are not read here: RFC 5280 section 4.2 says to reject them. */
  readonly unknownCritical: readonly string[];
}

type Draft = { -readonly [K in keyof Extensions]: Extensions[K] extends readonly string[] ? string[] : Extensions[K] };

/** Reads the Extensions of a TBSCertificate. */
export function readExtensions(element: DerElement | undefined): Extensions {
  const draft: Draft = {
    uris: [],
    dnsNames: [],
    otherNames: new Set(),
    isCa: false,
    pathLength: undefined,
    keyUsage: undefined,
    keyUsageCritical: false,
    extendedKeyUsage: undefined,
    nameConstraints: undefined,
    subjectKeyId: undefined,
    authorityKeyId: undefined,
    unknownCritical: [],
  };
  if (element === undefined) return draft;
  const outer = DerReader.inside(element);
  const list = DerReader.inside(outer.expect(TAG.sequence, 'extension list'));
  outer.finish('the extensions');
  const seen = new Set<string>();
  while (!list.done) {
    const extension = DerReader.inside(list.expect(TAG.sequence, 'extension'));
    const oid = readObjectIdentifier(extension.expect(TAG.objectIdentifier, 'extension name'));
    // RFC 5280 section 4.2: at most one instance; two would let two readers see two certificates.
    if (seen.has(oid)) throw malformed('the same extension twice');
    seen.add(oid);
    const flag = extension.optional(TAG.boolean);
    const critical = flag !== undefined && readBoolean(flag);
    const value = DerReader.inside(extension.expect(TAG.octetString, 'extension value'));
    extension.finish('an extension');
    readExtension(draft, oid, critical, value);
  }
  return draft;
}

function readExtension(draft: Draft, oid: string, critical: boolean, value: DerReader): void {
  switch (oid) {
    case '2.5.29.14':
      draft.subjectKeyId = contentsOf(value.expect(TAG.octetString, 'subject key identifier'));
      break;
    case '2.5.29.15':
      draft.keyUsage = readFlags(value.expect(TAG.bitString, 'key usage'));
      draft.keyUsageCritical = critical;
      break;
    case '2.5.29.17':
      readAlternativeNames(draft, DerReader.inside(value.expect(TAG.sequence, 'subject alternative names')));
      break;
    case '2.5.29.19':
      readBasicConstraints(draft, DerReader.inside(value.expect(TAG.sequence, 'basic constraints')));
      break;
    case '2.5.29.30':
      draft.nameConstraints = readNameConstraints(DerReader.inside(value.expect(TAG.sequence, 'name constraints')));
      break;
    case '2.5.29.35':
      draft.authorityKeyId = readAuthorityKeyId(DerReader.inside(value.expect(TAG.sequence, 'authority key identifier')));
      break;
    case '2.5.29.37':
      draft.extendedKeyUsage = readUsages(DerReader.inside(value.expect(TAG.sequence, 'extended key usage')));
      break;
    default:
      if (critical) draft.unknownCritical.push(oid);
      return;
  }
  value.finish('an extension value');
}

function readAlternativeNames(draft: Draft, names: DerReader): void {
  if (names.done) throw malformed('an empty list of alternative names');
  const otherNames = new Set<number>();
  while (!names.done) {
    const name = names.any();
    checkGeneralName(name.tag);
    if (name.tag === 0x86) draft.uris.push(readAscii(name));
    else if (name.tag === 0x82) draft.dnsNames.push(readAscii(name));
    else otherNames.add(name.tag);
  }
  draft.otherNames = otherNames;
}

function readBasicConstraints(draft: Draft, constraints: DerReader): void {
  const flag = constraints.optional(TAG.boolean);
  draft.isCa = flag !== undefined && readBoolean(flag);
  const pathLength = constraints.optional(TAG.integer);
  if (pathLength !== undefined) draft.pathLength = readSmallInteger(pathLength);
  constraints.finish('basic constraints');
}

function readAuthorityKeyId(identifier: DerReader): Uint8Array | undefined {
  const key = identifier.optional(0x80);
  // The issuer and serial number of the authority's own certificate are passed over.
  identifier.optional(0xa1);
  identifier.optional(0x82);
  identifier.finish('an authority key identifier');
  return key === undefined ? undefined : contentsOf(key);
}

function readUsages(usages: DerReader): readonly string[] {
  const list: string[] = [];
  while (!usages.done) list.push(readObjectIdentifier(usages.expect(TAG.objectIdentifier, 'extended key usage')));
  if (list.length === 0) throw malformed('an empty extended key usage');
  return list;
}
