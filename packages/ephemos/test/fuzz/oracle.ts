// What @peculiar/asn1-x509, which shares no code with our reader, makes of a certificate; and the same view of ours.
import { AsnConvert, type OctetString } from '@peculiar/asn1-schema';
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  ExtendedKeyUsage,
  type Extension,
  type GeneralName,
  type GeneralSubtrees,
  KeyUsage,
  NameConstraints,
  Certificate as OracleCertificate,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
} from '@peculiar/asn1-x509';
import type { Certificate } from 'ephemos/spiffe';

/** What decides about a certificate. Texts of bytes are hexadecimal. */
export interface CertificateView {
  readonly notBefore: number;
  readonly notAfter: number;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  readonly keyUsage: number | undefined;
  readonly keyUsageCritical: boolean;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectKeyId: string | undefined;
  readonly authorityKeyId: string | undefined;
  readonly unknownCritical: readonly string[];
  readonly permittedUris: readonly string[];
  readonly excludedUris: readonly string[];
  readonly permittedDnsNames: readonly string[];
  readonly excludedDnsNames: readonly string[];
}

const KNOWN = new Set(['2.5.29.14', '2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.30', '2.5.29.35', '2.5.29.37']);

/** Our view. */
export function viewOf({ notBefore, notAfter, extensions }: Certificate): CertificateView {
  const { nameConstraints, subjectKeyId, authorityKeyId, keyUsage } = extensions;
  return {
    notBefore,
    notAfter,
    uris: extensions.uris,
    dnsNames: extensions.dnsNames,
    isCa: extensions.isCa,
    pathLength: extensions.pathLength,
    keyUsage,
    keyUsageCritical: extensions.keyUsageCritical,
    extendedKeyUsage: extensions.extendedKeyUsage,
    subjectKeyId: hex(subjectKeyId),
    authorityKeyId: hex(authorityKeyId),
    unknownCritical: extensions.unknownCritical,
    permittedUris: nameConstraints?.permitted.uris ?? [],
    excludedUris: nameConstraints?.excluded.uris ?? [],
    permittedDnsNames: nameConstraints?.permitted.dnsNames ?? [],
    excludedDnsNames: nameConstraints?.excluded.dnsNames ?? [],
  };
}

/** Our view with the one known mistake of the oracle: to Date.UTC, which it reads times with, the years 0 to 99 are those of the last century. */
export function withYearsOfOracle(view: CertificateView): CertificateView {
  return { ...view, notBefore: yearOfOracle(view.notBefore), notAfter: yearOfOracle(view.notAfter) };
}

function yearOfOracle(time: number): number {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  if (year > 99) return time;
  return Date.UTC(year, date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds());
}

/** The view of the oracle. Throws what it throws. */
export function oracleViewOf(der: Uint8Array): CertificateView {
  const { tbsCertificate } = AsnConvert.parse(der, OracleCertificate);
  const extensions = tbsCertificate.extensions ?? [];
  const find = (oid: string): Extension | undefined => extensions.find(({ extnID }) => extnID === oid);
  const names = read(find('2.5.29.17'), SubjectAlternativeName) ?? [];
  const basic = read(find('2.5.29.19'), BasicConstraints);
  const usage = find('2.5.29.15');
  const constraints = read(find('2.5.29.30'), NameConstraints);
  return {
    notBefore: tbsCertificate.validity.notBefore.getTime().getTime(),
    notAfter: tbsCertificate.validity.notAfter.getTime().getTime(),
    uris: urisOf(names),
    dnsNames: dnsNamesOf(names),
    isCa: basic?.cA ?? false,
    // From four bytes on the oracle gives a text.
    pathLength: basic?.pathLenConstraint === undefined ? undefined : Number(basic.pathLenConstraint),
    keyUsage: usage === undefined ? undefined : flagsOf(usage),
    keyUsageCritical: usage?.critical ?? false,
    extendedKeyUsage: read(find('2.5.29.37'), ExtendedKeyUsage)?.map(String),
    subjectKeyId: hexOf(read(find('2.5.29.14'), SubjectKeyIdentifier)),
    authorityKeyId: hexOf(read(find('2.5.29.35'), AuthorityKeyIdentifier)?.keyIdentifier),
    unknownCritical: extensions.filter(({ extnID, critical }) => critical && !KNOWN.has(extnID)).map(({ extnID }) => extnID),
    permittedUris: urisOf(basesOf(constraints?.permittedSubtrees)).map(lower),
    excludedUris: urisOf(basesOf(constraints?.excludedSubtrees)).map(lower),
    permittedDnsNames: dnsNamesOf(basesOf(constraints?.permittedSubtrees)).map(lower),
    excludedDnsNames: dnsNamesOf(basesOf(constraints?.excludedSubtrees)).map(lower),
  };
}

function read<T>(extension: Extension | undefined, type: new () => T): T | undefined {
  return extension === undefined ? undefined : AsnConvert.parse(extension.extnValue.buffer, type);
}

// KeyUsage of the oracle holds its bits in the order of the standard from the least significant on; ours from the most significant.
function flagsOf(extension: Extension): number {
  const bits = AsnConvert.parse(extension.extnValue.buffer, KeyUsage).toNumber();
  let flags = 0;
  for (let bit = 0; bit < 16; bit++) if ((bits & (1 << bit)) !== 0) flags |= 0x8000 >> bit;
  return flags;
}

function basesOf(subtrees: GeneralSubtrees | undefined): readonly GeneralName[] {
  return (subtrees ?? []).map(({ base }) => base);
}

function urisOf(names: readonly GeneralName[]): readonly string[] {
  return names.flatMap(({ uniformResourceIdentifier }) => uniformResourceIdentifier ?? []);
}

function dnsNamesOf(names: readonly GeneralName[]): readonly string[] {
  return names.flatMap(({ dNSName }) => dNSName ?? []);
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}

function hexOf(string: OctetString | undefined): string | undefined {
  return string === undefined ? undefined : hex(new Uint8Array(string.buffer));
}

function lower(text: string): string {
  return text.toLowerCase();
}
