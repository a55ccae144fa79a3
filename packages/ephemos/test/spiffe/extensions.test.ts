import { createTestAuthority, type RawCertificateOptions } from '@ephemos/dev';
import { Certificate } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { type Extensions, KEY_USAGE } from '../../src/spiffe/extensions.ts';
import { refusalOf } from './certificates.ts';
import { childAt, childrenOf, decodeTree, edited, element, objectIdentifier, replace, TBS, text } from './der-tree.ts';

const authority = createTestAuthority('example.org');
const bare: RawCertificateOptions = {
  basicConstraints: 'absent',
  keyUsage: 'absent',
  extendedKeyUsage: 'absent',
  subjectKeyIdentifier: 'absent',
  authorityKeyIdentifier: 'absent',
};
const oid = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
};
const yes = element(1, Uint8Array.of(0xff));

/** A certificate with just these extensions, each as the bytes of its value. */
async function certificateWith(
  extensions: readonly { readonly oid: string; readonly critical?: boolean; readonly der: Uint8Array }[],
): Promise<Uint8Array> {
  return (await authority.issueCertificate({ ...bare, extraExtensions: extensions })).der;
}

async function read(name: keyof typeof oid, value: Uint8Array, critical = false): Promise<Extensions> {
  return Certificate.parse(await certificateWith([{ oid: oid[name], critical, der: value }])).extensions;
}

async function refuses(bytes: Promise<Uint8Array> | Uint8Array): Promise<void> {
  const certificate = await bytes;
  expect(refusalOf(() => Certificate.parse(certificate)).code).toBe('ERR_CERTIFICATE_INVALID');
}

describe('subject alternative names', () => {
  it('are URIs and DNS names as text, and kinds of the others', async () => {
    const names = element(
      0x30,
      text(0x86, 'spiffe://example.org/web'),
      text(0x82, 'a.example'),
      text(0x81, 'a@b'),
      text(0x87, '\x7f\0\0\x01'),
      element(0xa4, element(0x30)),
    );
    const { uris, dnsNames, otherNames } = await read('subjectAltName', names);
    expect([uris, dnsNames, [...otherNames]]).toEqual([['spiffe://example.org/web'], ['a.example'], [0x81, 0x87, 0xa4]]);
  });

  it('keep every URI, so that two are seen as two', async () => {
    expect((await read('subjectAltName', element(0x30, text(0x86, 'a:b'), text(0x82, 'x'), text(0x86, 'c:d')))).uris).toEqual([
      'a:b',
      'c:d',
    ]);
  });

  it.each([
    ['an empty list', element(0x30)],
    ['a URI with a NUL', element(0x30, text(0x86, 'spiffe://example.org/web\0/admin'))],
    ['a URI with a byte outside ASCII', element(0x30, text(0x86, 'spiffe://example.org/w\xe9b'))],
    ['a DNS name with a NUL', element(0x30, text(0x82, 'good.example\0.evil'))],
    // OpenSSL takes the constructed form of a string apart: to it this is a second URI.
    [
      'a URI in the constructed form',
      element(0x30, text(0x86, 'spiffe://example.org/web'), element(0xa6, text(0x16, 'spiffe://example.org/admin'))),
    ],
    ['a name of no known kind', element(0x30, text(0x86, 'spiffe://example.org/web'), text(0x89, 'x'))],
    ['a name under a universal tag', element(0x30, text(0x16, 'spiffe://example.org/web'))],
    ['bytes behind the list', Buffer.concat([element(0x30, text(0x86, 'spiffe://example.org/web')), element(5)])],
    ['no list', text(0x86, 'spiffe://example.org/web')],
  ])('are refused with %s', async (_what, value) => {
    await refuses(certificateWith([{ oid: oid.subjectAltName, der: value }]));
  });
});

describe('basic constraints', () => {
  it.each([
    ['an empty sequence is no CA', element(0x30), false, undefined],
    ['TRUE is a CA', element(0x30, yes), true, undefined],
    ['a CA with a path length', element(0x30, yes, element(2, Uint8Array.of(3))), true, 3],
    ['a path length without the flag makes no CA', element(0x30, element(2, Uint8Array.of(3))), false, 3],
    ['FALSE written out', element(0x30, element(1, Uint8Array.of(0))), false, undefined],
  ])('%s', async (_what, value, isCa, pathLength) => {
    expect(await read('basicConstraints', value)).toMatchObject({ isCa, pathLength });
  });

  it.each([
    ['TRUE that is not 0xff', element(0x30, element(1, Uint8Array.of(1)))],
    ['a negative path length', element(0x30, yes, element(2, Uint8Array.of(0xff)))],
    ['a path length of five bytes', element(0x30, yes, element(2, Uint8Array.of(1, 0, 0, 0, 0)))],
    ['a third field', element(0x30, yes, element(2, Uint8Array.of(1)), element(5))],
    ['the fields in the wrong order', element(0x30, element(2, Uint8Array.of(1)), yes)],
  ])('are refused with %s', async (_what, value) => {
    await refuses(certificateWith([{ oid: oid.basicConstraints, der: value }]));
  });
});

describe('key usage', () => {
  it.each([
    ['digitalSignature', Uint8Array.of(7, 0x80), KEY_USAGE.digitalSignature],
    ['keyCertSign', Uint8Array.of(2, 0x04), KEY_USAGE.keyCertSign],
    ['cRLSign', Uint8Array.of(1, 0x02), KEY_USAGE.crlSign],
    ['both signing usages', Uint8Array.of(1, 0x06), KEY_USAGE.keyCertSign | KEY_USAGE.crlSign],
    ['nothing', Uint8Array.of(0), 0],
    ['decipherOnly in its second byte', Uint8Array.of(7, 0, 0x80), 0x0080],
  ])('says %s', async (_what, bits, flags) => {
    const { keyUsage, keyUsageCritical } = await read('keyUsage', element(3, bits), true);
    expect([keyUsage, keyUsageCritical]).toEqual([flags, true]);
  });

  it('says whether it is critical', async () => {
    expect((await read('keyUsage', element(3, Uint8Array.of(7, 0x80)))).keyUsageCritical).toBe(false);
  });
});

describe('extended key usage and key identifiers', () => {
  it('are read', async () => {
    expect((await read('extendedKeyUsage', element(0x30, objectIdentifier('1.3.6.1.5.5.7.3.1')))).extendedKeyUsage).toEqual([
      '1.3.6.1.5.5.7.3.1',
    ]);
    expect([...((await read('subjectKeyId', text(4, 'ab'))).subjectKeyId ?? [])]).toEqual([97, 98]);
    expect([...((await read('authorityKeyId', element(0x30, text(0x80, 'ab')))).authorityKeyId ?? [])]).toEqual([97, 98]);
    const named = element(0x30, text(0x80, 'ab'), element(0xa1, element(0xa4, element(0x30))), text(0x82, '1'));
    expect([...((await read('authorityKeyId', named)).authorityKeyId ?? [])]).toEqual([97, 98]);
    expect((await read('authorityKeyId', element(0x30))).authorityKeyId).toBeUndefined();
  });

  it('are refused empty or as something else', async () => {
    await refuses(certificateWith([{ oid: oid.extendedKeyUsage, der: element(0x30) }]));
    await refuses(certificateWith([{ oid: oid.extendedKeyUsage, der: element(0x30, text(0x0c, 'x')) }]));
    await refuses(certificateWith([{ oid: oid.subjectKeyId, der: text(0x0c, 'ab') }]));
    await refuses(certificateWith([{ oid: oid.authorityKeyId, der: element(0x30, text(0x80, 'ab'), text(0x80, 'ab')) }]));
    await refuses(certificateWith([{ oid: oid.authorityKeyId, der: element(0x30, text(0x80, 'ab'), Uint8Array.of(0x82, 0x7f)) }]));
  });
});

describe('an extension', () => {
  it('that is not known is passed over, or remembered when it is critical (RFC 5280 4.2)', async () => {
    const certificate = Certificate.parse(
      await certificateWith([
        { oid: '1.2.3.4', der: element(5) },
        { oid: '1.2.3.5', critical: true, der: element(5) },
      ]),
    );
    expect(certificate.extensions.unknownCritical).toEqual(['1.2.3.5']);
  });

  it('that stands there twice spoils the certificate (RFC 5280 4.2)', async () => {
    const names = { oid: oid.subjectAltName, der: element(0x30, text(0x86, 'spiffe://example.org/web')) };
    await refuses(certificateWith([names, names]));
    await refuses(
      certificateWith([
        { oid: '1.2.3.4', der: element(5) },
        { oid: '1.2.3.4', der: element(5) },
      ]),
    );
  });

  it.each(Object.entries(oid))('%s is refused with bytes behind its value', async (_name, id) => {
    await refuses(certificateWith([{ oid: id, der: Buffer.concat([element(0x30, yes), element(5)]) }]));
  });

  it.each(Object.entries(oid))('%s is refused empty', async (_name, id) => {
    await refuses(certificateWith([{ oid: id, der: new Uint8Array() }]));
  });

  it('is refused when it has another shape', async () => {
    const good = await certificateWith([{ oid: oid.basicConstraints, critical: true, der: element(0x30) }]);
    const extensionOf = [TBS.extensions, 0, 0];
    await refuses(edited(good, (tbs) => childrenOf(childAt(tbs, ...extensionOf)).push(decodeTree(element(5)))));
    await refuses(edited(good, (tbs) => void childrenOf(childAt(tbs, ...extensionOf)).pop()));
    await refuses(edited(good, (tbs) => replace(childAt(tbs, ...extensionOf, 1), element(1, Uint8Array.of(1)))));
    await refuses(edited(good, (tbs) => childrenOf(childAt(tbs, TBS.extensions)).push(decodeTree(element(0x30)))));
  });
});
