// Makes key pairs for certificates, the weak ones that peers must refuse included.
import { createHash, webcrypto } from 'node:crypto';

/** The kinds of keys a certificate can be made for. 'rsa-1024' is weak on purpose. */
export type KeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-1024' | 'ed25519';

/** The hash of a signature. 'SHA-1' is weak on purpose; Ed25519 keys have their own and ignore it. */
export type SignatureHash = 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512';

/** A key pair that certificates can be issued for and signed with. */
export interface CertificateKey {
  readonly keyType: KeyType;
  readonly publicKey: webcrypto.CryptoKey;
  readonly privateKey: webcrypto.CryptoKey;
  /** The private key as unencrypted PKCS#8 DER. */
  readonly pkcs8: Uint8Array;
  /** SHA-1 of the SubjectPublicKeyInfo: the key identifier of certificates for this key. */
  readonly keyId: Uint8Array;
}

/** Makes a new key pair. */
export async function generateCertificateKey(keyType: KeyType = 'ec-p256'): Promise<CertificateKey> {
  const { publicKey, privateKey } = await generateKeyPair(keyType);
  const spki = await webcrypto.subtle.exportKey('spki', publicKey);
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', privateKey);
  const keyId = createHash('sha1').update(new Uint8Array(spki)).digest();
  return Object.freeze({ keyType, publicKey, privateKey, pkcs8: new Uint8Array(pkcs8), keyId });
}

/** The private key, bound to a hash as WebCrypto wants it: RSA keys carry theirs. */
export async function signingKeyFor(key: CertificateKey, hash: SignatureHash): Promise<webcrypto.CryptoKey> {
  if (!key.keyType.startsWith('rsa') || hash === 'SHA-256') return key.privateKey;
  return webcrypto.subtle.importKey('pkcs8', key.pkcs8, { name: 'RSASSA-PKCS1-v1_5', hash }, true, ['sign']);
}

async function generateKeyPair(keyType: KeyType): Promise<webcrypto.CryptoKeyPair> {
  switch (keyType) {
    case 'ec-p256':
      return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    case 'ec-p384':
      return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign', 'verify']);
    case 'rsa-2048':
      return generateRsaKeyPair(2048);
    case 'rsa-1024':
      return generateRsaKeyPair(1024);
    case 'ed25519': {
      const pair = await webcrypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']);
      if ('publicKey' in pair) return pair;
      throw new TypeError('this Node.js makes no Ed25519 key pairs');
    }
  }
}

function generateRsaKeyPair(modulusLength: number): Promise<webcrypto.CryptoKeyPair> {
  const publicExponent = Uint8Array.of(1, 0, 1);
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength, publicExponent };
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}
