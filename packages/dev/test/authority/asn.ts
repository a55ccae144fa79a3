// Reads extensions with @peculiar/asn1-x509, which shares no code with our own reader or writer.
import { AsnConvert } from '@peculiar/asn1-schema';
import { Certificate, KeyUsage } from '@peculiar/asn1-x509';

/** The extensions of a certificate by OID, their values as hexadecimal DER. */
export function asn(der: Uint8Array): ReadonlyMap<string, { readonly critical: boolean; readonly der: string }> {
  const { extensions } = AsnConvert.parse(der, Certificate).tbsCertificate;
  return new Map(
    (extensions ?? []).map(({ extnID, critical, extnValue }) => [extnID, { critical, der: Buffer.from(extnValue.buffer).toString('hex') }]),
  );
}

/** The names of the key usage bits that are set. */
export function keyUsages(der: Uint8Array): readonly string[] {
  const value = asn(der).get('2.5.29.15');
  if (!value) return [];
  return AsnConvert.parse(Buffer.from(value.der, 'hex'), KeyUsage).toJSON();
}
