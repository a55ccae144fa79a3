// What makes a certificate a leaf that may authenticate, and what makes it an authority (X509-SVID sections 2, 3.1, 4.1 to 4.4 and 5.2).
import { EphemosError, isEphemosError } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import { EXTENDED_KEY_USAGE, KEY_USAGE } from './extensions.ts';
import { SpiffeId } from './spiffe-id.ts';

/**
 * Holds a leaf against the rules of X509-SVID that need no other certificate. Dates are not looked at.
 * @throws {EphemosError} ERR_PEER_LEAF_IS_CA, ERR_PEER_KEY_USAGE_INVALID, ERR_PEER_EXTENDED_KEY_USAGE_INVALID, ERR_PEER_EXTENSION_UNSUPPORTED
 */
export function checkLeaf({ extensions }: Certificate): void {
  const { isCa, keyUsage, keyUsageCritical, extendedKeyUsage, unknownCritical } = extensions;
  if (isCa) throw new EphemosError('ERR_PEER_LEAF_IS_CA', 'a CA certificate must not authenticate');
  if (keyUsage === undefined || !keyUsageCritical) throw keyUsageInvalid('must have a critical key usage');
  if ((keyUsage & KEY_USAGE.digitalSignature) === 0) throw keyUsageInvalid('must be allowed digitalSignature');
  if ((keyUsage & (KEY_USAGE.keyCertSign | KEY_USAGE.crlSign)) !== 0) throw keyUsageInvalid('must not be allowed keyCertSign or cRLSign');
  // Section 4.4: when there is an extended key usage it must hold both; anyExtendedKeyUsage is neither.
  const both =
    extendedKeyUsage === undefined ||
    (extendedKeyUsage.includes(EXTENDED_KEY_USAGE.clientAuth) && extendedKeyUsage.includes(EXTENDED_KEY_USAGE.serverAuth));
  if (!both) {
    throw new EphemosError(
      'ERR_PEER_EXTENDED_KEY_USAGE_INVALID',
      'a leaf with an extended key usage must hold both serverAuth and clientAuth',
    );
  }
  const [unknown] = unknownCritical;
  if (unknown !== undefined) {
    throw new EphemosError('ERR_PEER_EXTENSION_UNSUPPORTED', `the leaf has a critical extension ${unknown} that is not understood`);
  }
}

/**
 * The SPIFFE ID of a leaf: exactly one URI SAN, and it has a path.
 * @throws {EphemosError} ERR_PEER_ID_MISSING, ERR_PEER_ID_MULTIPLE, ERR_PEER_ID_INVALID
 */
export function readLeafId({ extensions }: Certificate): SpiffeId {
  const [uri, ...more] = extensions.uris;
  if (uri === undefined) throw new EphemosError('ERR_PEER_ID_MISSING', 'the leaf has no URI SAN');
  if (more.length > 0) throw new EphemosError('ERR_PEER_ID_MULTIPLE', `the leaf has ${more.length + 1} URI SANs and may have one`);
  const id = parseId(uri);
  if (id.path === '') throw new EphemosError('ERR_PEER_ID_INVALID', 'the ID of a trust domain itself must not authenticate');
  return id;
}

function parseId(uri: string): SpiffeId {
  try {
    return SpiffeId.parse(uri);
  } catch (error) {
    if (!isEphemosError(error)) throw error;
    throw new EphemosError('ERR_PEER_ID_INVALID', `the URI SAN of the leaf is no SPIFFE ID: ${error.message}`, { cause: error });
  }
}

/** True for a certificate that may sign others: CA flag, keyCertSign, no critical extension that is unknown. */
export function isAuthority({ extensions }: Certificate): boolean {
  const { isCa, keyUsage, unknownCritical, extendedKeyUsage, uris } = extensions;
  // Section 3.2: the ID of a signing certificate has no path.
  if (uris.some((uri) => /^spiffe:\/\/[^/]*\//i.test(uri))) return false;
  if (!isCa || keyUsage === undefined || (keyUsage & KEY_USAGE.keyCertSign) === 0 || unknownCritical.length > 0) return false;
  // An authority that is limited to other purposes is taken at its word, as the Web PKI does.
  return (
    extendedKeyUsage === undefined ||
    extendedKeyUsage.includes(EXTENDED_KEY_USAGE.any) ||
    (extendedKeyUsage.includes(EXTENDED_KEY_USAGE.clientAuth) && extendedKeyUsage.includes(EXTENDED_KEY_USAGE.serverAuth))
  );
}

function keyUsageInvalid(what: string): EphemosError {
  return new EphemosError('ERR_PEER_KEY_USAGE_INVALID', `a leaf ${what}`);
}
