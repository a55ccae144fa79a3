// Turns certificate options into X.509 extensions (RFC 5280, section 4.2).
import 'reflect-metadata';
import { Buffer } from 'node:buffer';
import { BasicConstraintsExtension, ExtendedKeyUsageExtension, Extension, KeyUsageFlags, KeyUsagesExtension } from '@peculiar/x509';
import type { NameConstraintsOptions, RawCertificateOptions } from './certificate-options.ts';
import { derElement, derGeneralName, derSequence } from './der.ts';

const oids = {
  subjectKeyIdentifier: '2.5.29.14',
  subjectAltName: '2.5.29.17',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
} as const;

const extendedKeyUsages: ReadonlyMap<string, string> = new Map([
  ['serverAuth', '1.3.6.1.5.5.7.3.1'],
  ['clientAuth', '1.3.6.1.5.5.7.3.2'],
]);

/** The identifiers that link a certificate to its issuer. */
export interface KeyIdentifiers {
  readonly subject: Uint8Array | undefined;
  readonly authority: Uint8Array | undefined;
}

/** The extensions that the options ask for, in a fixed order. */
export function createExtensions(options: RawCertificateOptions, keyIds: KeyIdentifiers): Extension[] {
  return [
    ...basicConstraints(options),
    ...keyUsage(options),
    ...extendedKeyUsage(options),
    ...subjectAltName(options),
    ...(options.nameConstraints ? [nameConstraints(options.nameConstraints)] : []),
    ...(keyIds.subject ? [extension(oids.subjectKeyIdentifier, false, derElement(0x04, keyIds.subject))] : []),
    ...(keyIds.authority ? [extension(oids.authorityKeyIdentifier, false, derSequence(derElement(0x80, keyIds.authority)))] : []),
    ...(options.extraExtensions ?? []).map(({ oid, critical, der }) => extension(oid, critical ?? false, der)),
  ];
}

function basicConstraints({ basicConstraints = { ca: false } }: RawCertificateOptions): Extension[] {
  if (basicConstraints === 'absent') return [];
  const { ca, pathLen, critical = true } = basicConstraints;
  return [new BasicConstraintsExtension(ca, pathLen, critical)];
}

function keyUsage({ keyUsage = { usages: ['digitalSignature'] } }: RawCertificateOptions): Extension[] {
  if (keyUsage === 'absent') return [];
  const flags = keyUsage.usages.reduce((all, name) => all | KeyUsageFlags[name], 0);
  return [new KeyUsagesExtension(flags, keyUsage.critical ?? true)];
}

function extendedKeyUsage({ extendedKeyUsage = { usages: ['serverAuth', 'clientAuth'] } }: RawCertificateOptions): Extension[] {
  if (extendedKeyUsage === 'absent') return [];
  const usages = extendedKeyUsage.usages.map((name) => extendedKeyUsages.get(name) ?? name);
  return [new ExtendedKeyUsageExtension(usages, extendedKeyUsage.critical ?? false)];
}

function subjectAltName({ uris = [], dnsNames = [], subject, subjectAltNameCritical }: RawCertificateOptions): Extension[] {
  if (uris.length + dnsNames.length === 0) return [];
  const names = [...uris.map((uri) => derGeneralName('uri', uri)), ...dnsNames.map((name) => derGeneralName('dns', name))];
  const critical = subjectAltNameCritical ?? (subject === undefined || subject.length === 0);
  return [extension(oids.subjectAltName, critical, derSequence(...names))];
}

function nameConstraints(options: NameConstraintsOptions): Extension {
  const permitted = subtrees(0xa0, options.permittedUris, options.permittedDnsNames);
  const excluded = subtrees(0xa1, options.excludedUris, options.excludedDnsNames);
  return extension(oids.nameConstraints, options.critical ?? true, derSequence(...permitted, ...excluded));
}

function subtrees(tag: number, uris: readonly string[] = [], dnsNames: readonly string[] = []): Uint8Array[] {
  if (uris.length + dnsNames.length === 0) return [];
  const bases = [...uris.map((uri) => derGeneralName('uri', uri)), ...dnsNames.map((name) => derGeneralName('dns', name))];
  return [derElement(tag, ...bases.map((base) => derSequence(base)))];
}

function extension(oid: string, critical: boolean, der: Uint8Array): Extension {
  return new Extension(oid, critical, Buffer.from(der));
}
