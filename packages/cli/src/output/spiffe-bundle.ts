// A trust bundle of SPIRE's server as PEM, or as a SPIFFE bundle document (SPIFFE_Trust_Domain_and_Bundle.md section 4).
import { createPublicKey, type JsonWebKey, X509Certificate } from 'node:crypto';
import type { Bundle } from '../spire-server/spire/api/types/bundle_pb.ts';

/** The X.509 authorities as PEM, as `trust_bundle_path` of an agent takes them. */
export function bundlePem({ x509Authorities }: Bundle): string {
  return x509Authorities.map(({ asn1 }) => new X509Certificate(asn1).toString()).join('');
}

/** The bundle as a JWK Set. */
export function bundleDocument({ x509Authorities, jwtAuthorities, witAuthorities, sequenceNumber, refreshHint }: Bundle): object {
  return {
    keys: [
      ...x509Authorities.map(({ asn1 }) => ({
        ...publicKeyOf(new X509Certificate(asn1).publicKey.export({ format: 'jwk' })),
        use: 'x509-svid',
        x5c: [Buffer.from(asn1).toString('base64')],
      })),
      ...jwtAuthorities.map(({ publicKey, keyId }) => ({ ...fromSpki(publicKey), use: 'jwt-svid', kid: keyId })),
      ...witAuthorities.map(({ publicKey, keyId }) => ({ ...fromSpki(publicKey), use: 'wit-svid', kid: keyId })),
    ],
    spiffe_sequence: Number(sequenceNumber),
    ...(refreshHint === 0n ? {} : { spiffe_refresh_hint: Number(refreshHint) }),
  };
}

function fromSpki(key: Uint8Array): JsonWebKey {
  return publicKeyOf(createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' }).export({ format: 'jwk' }));
}

// The parts that RFC 7518 section 6 names for public keys, and no others.
function publicKeyOf({ kty = '', crv, x, y, n, e }: JsonWebKey): JsonWebKey {
  return n === undefined || e === undefined ? { kty, ...present({ crv, x, y }) } : { kty, n, e };
}

function present(parts: Readonly<Record<string, string | undefined>>): JsonWebKey {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}
