// What an authority of `ephemos deploy ca` signs, as SPIRE would sign below it, held against those who verify: ours, and OpenSSL.
import 'reflect-metadata';
import { execFileSync, spawnSync } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { TrustDomain, verifyPeer, X509Bundle, X509BundleSet } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { initCa } from '../../../src/deploy/ca/init-ca.ts';
import { issuerOf } from '../../../src/deploy/keys/certificate.ts';
import { asked, days, folders, now } from './folders.ts';

/** A chain that ends below the upstream authority: the SVID, the authority of a server, the upstream authority. */
async function chainOf(at: ReturnType<typeof folders>, id: string): Promise<readonly string[]> {
  const upstream = readFileSync(join(at.out, 'tls.crt'), 'utf8');
  const issuer = await issuerOf({ certificate: upstream, key: readFileSync(join(at.out, 'tls.key'), 'utf8') });
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const [server, leaf] = [
    await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']),
    await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']),
  ];
  const life = { notBefore: now, notAfter: days(1), signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' } };
  const authority = await X509CertificateGenerator.create(
    {
      ...life,
      subject: 'CN=server',
      issuer: issuer.subject,
      publicKey: server.publicKey,
      signingKey: issuer.signingKey,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        new SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${hostOf(id)}` }]),
      ],
    },
    webcrypto,
  );
  const svid = await X509CertificateGenerator.create(
    {
      ...life,
      subject: 'CN=svid',
      issuer: 'CN=server',
      publicKey: leaf.publicKey,
      signingKey: server.privateKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new SubjectAlternativeNameExtension([
          { type: 'url', value: id },
          { type: 'dns', value: 'web.internal' },
        ]),
      ],
    },
    webcrypto,
  );
  return [svid, authority, new X509Certificate(upstream)].map((each) => `${each.toString('pem')}\n`);
}

const hostOf = (id: string): string => id.split('/')[2] ?? '';

describe('an authority of a trust domain', () => {
  it.each([
    ['signs for its own', 'spiffe://prod.acme.com/web', true],
    ['signs for no other', 'spiffe://test.acme.com/web', false],
    ['signs for none below it', 'spiffe://eu.prod.acme.com/web', false],
  ])('%s', async (_what, id, good) => {
    const at = folders();
    await initCa(asked(at));
    const chain = await chainOf(at, id);
    // The root of one trust domain as that of the other: the constraint alone is between them.
    const root = new X509Certificate(readFileSync(join(at.out, 'ca.crt'), 'utf8'));
    const bundles = new X509BundleSet([X509Bundle.parse(TrustDomain.parse(hostOf(id)), new Uint8Array(root.rawData))]);
    const verify = (): unknown =>
      verifyPeer(
        chain.map((pem) => new Uint8Array(new X509Certificate(pem).rawData)),
        bundles,
        { now: days(0.5) },
      );
    if (good) expect(verify()).toMatchObject({ id: expect.objectContaining({ path: '/web' }) });
    else expect(verify).toThrow(expect.objectContaining({ code: 'ERR_PEER_NAME_CONSTRAINED' }));
  });

  it.runIf(spawnSync('openssl', ['version']).status === 0).each([
    ['is believed by OpenSSL', 'spiffe://prod.acme.com/web', /: OK/],
    ['is refused by OpenSSL for another', 'spiffe://test.acme.com/web', /permitted subtree violation/],
  ])('%s', async (_what, id, said) => {
    const at = folders();
    await initCa(asked(at));
    const [leaf = '', ...others] = await chainOf(at, id);
    writeFileSync(join(at.base, 'leaf.pem'), leaf);
    writeFileSync(join(at.base, 'others.pem'), others.join(''));
    const words = [
      'verify',
      '-attime',
      String(days(0.5).getTime() / 1000),
      '-CAfile',
      join(at.out, 'ca.crt'),
      '-untrusted',
      join(at.base, 'others.pem'),
    ];
    const { stdout, stderr } = spawnSync('openssl', [...words, join(at.base, 'leaf.pem')], { encoding: 'utf8' });
    expect(`${stdout}${stderr}`).toMatch(said);
  });

  it.runIf(spawnSync('openssl', ['version']).status === 0)('says so, critically, in both certificates', async () => {
    const at = folders();
    await initCa(asked(at));
    for (const path of [join(at.offline, 'root.crt'), join(at.out, 'tls.crt')]) {
      const text = execFileSync('openssl', ['x509', '-in', path, '-noout', '-text'], { encoding: 'utf8' });
      expect(text).toMatch(/X509v3 Name Constraints: critical\s+Permitted:\s+URI:prod\.acme\.com\s/);
    }
  });
});
