// Authorities as OpenSSL makes them: with key identifiers, since `spire-server upstreamauthority` names an authority by the one of its key.
import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const day = 86_400_000;

/**
 * @typedef {object} Authority
 * @property {string} certificate PEM
 * @property {string} key PEM
 * @property {string} keyId hexadecimal
 * @property {import('@peculiar/x509').X509Certificate} parsed
 * @property {webcrypto.CryptoKeyPair} pair
 */

/**
 * @param {string} name the common name
 * @param {{ issuer?: Authority, keyId?: string }} [options] without an issuer it signs itself; `keyId` is for one that is not the digest of its key
 * @returns {Promise<Authority>}
 */
export async function createAuthority(name, { issuer, keyId: given } = {}) {
  const pair = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', pair.publicKey));
  const keyId = given ?? createHash('sha1').update(spki).digest('hex');
  const parsed = await X509CertificateGenerator.create(
    {
      serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex'),
      subject: `CN=${name}`,
      issuer: issuer === undefined ? `CN=${name}` : issuer.parsed.subject,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + (issuer === undefined ? 30 : 20) * day),
      publicKey: pair.publicKey,
      signingKey: (issuer?.pair ?? pair).privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        new SubjectKeyIdentifierExtension(keyId),
        new AuthorityKeyIdentifierExtension(issuer?.keyId ?? keyId),
      ],
    },
    webcrypto,
  );
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey), 'PRIVATE KEY');
  return { certificate: `${parsed.toString('pem')}\n`, key: `${key}\n`, keyId, parsed, pair };
}
