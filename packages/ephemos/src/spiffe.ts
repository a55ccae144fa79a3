// 'ephemos/spiffe': SPIFFE values and the peer verifier. Parses and verifies; does no I/O.
export { Certificate } from './spiffe/certificate.ts';
export type { Peer } from './spiffe/peer.ts';
export { verifyPeer } from './spiffe/peer-verifier.ts';
export { MAX_SPIFFE_ID_BYTES, SpiffeId } from './spiffe/spiffe-id.ts';
export { MAX_TRUST_DOMAIN_BYTES, TrustDomain } from './spiffe/trust-domain.ts';
export { MAX_AUTHORITIES, MAX_BUNDLE_BYTES, X509Bundle } from './spiffe/x509-bundle.ts';
export { X509BundleSet } from './spiffe/x509-bundle-set.ts';
export { MAX_CHAIN_CERTIFICATES, MAX_HINT_BYTES, X509Svid, type X509SvidInput } from './spiffe/x509-svid.ts';
