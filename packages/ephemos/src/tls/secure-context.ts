// Our SVID as OpenSSL wants it: an X509Svid in, the full set of context options out. One context serves every listener and client of an SVID.
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions, type Server } from 'node:tls';
import { EphemosError } from '../errors.ts';
import type { X509Svid } from '../spiffe/x509-svid.ts';

/** The oldest TLS version that a listener or client may speak. */
export type MinTlsVersion = 'TLSv1.3' | 'TLSv1.2';

const TLS_1_3_CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
// ECDHE with an AEAD, nothing else.
const TLS_1_2_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];
// One list holds both kinds; leaving out what cannot be used saves 0.2 ms of every context (Node 20).
const CIPHERS: Readonly<Record<MinTlsVersion, string>> = {
  'TLSv1.3': TLS_1_3_CIPHERS.join(':'),
  'TLSv1.2': [...TLS_1_3_CIPHERS, ...TLS_1_2_CIPHERS].join(':'),
};

/**
 * Every option of a context, with the certificate and key of an SVID or, without one, nothing to present.
 * All of them are given each time: setSecureContext resets what is left out (Node 20 to 26).
 */
export function secureContextOptions(svid: X509Svid | undefined, minVersion: MinTlsVersion): SecureContextOptions {
  return {
    ...(svid === undefined ? {} : keyPair(svid)),
    // No authorities: peers are verified by ours, in their own trust domain. With a list here Node would also send it to every peer.
    ca: [],
    minVersion,
    ciphers: CIPHERS[minVersion],
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    // Sessions are never resumed; a context without a name of its own would fail a client that tries, instead of going on in full.
    sessionIdContext: 'ephemos',
  };
}

// Bound to the SVID, so a context goes away with the SVID it was made of.
const contexts: Readonly<Record<MinTlsVersion, WeakMap<X509Svid, SecureContext>>> = { 'TLSv1.3': new WeakMap(), 'TLSv1.2': new WeakMap() };

/**
 * Makes a server present an SVID from the next connection on, or nothing. The context is the one that clients use too: making it takes
 * 1 ms (Node 20), and setSecureContext would make another for every listener. `_sharedCreds` is where node:tls keeps what setSecureContext
 * makes (undocumented, Node 0.12 to 26; the tests hold it).
 */
export function present(server: Server, svid: X509Svid | undefined, minVersion: MinTlsVersion): void {
  const context = svid === undefined ? createSecureContext(secureContextOptions(undefined, minVersion)) : secureContextOf(svid, minVersion);
  if (typeof Reflect.get(server, '_sharedCreds') === 'object') Reflect.set(server, '_sharedCreds', context);
  else server.setSecureContext(secureContextOptions(svid, minVersion));
}

/** The context of an SVID, made once. */
export function secureContextOf(svid: X509Svid, minVersion: MinTlsVersion): SecureContext {
  const known = contexts[minVersion].get(svid);
  if (known !== undefined) return known;
  const context = createSecureContext(secureContextOptions(svid, minVersion));
  contexts[minVersion].set(svid, context);
  return context;
}

/**
 * Takes `TLSv1.3` (the default) or `TLSv1.2`.
 * @throws {EphemosError} ERR_OPTION_INVALID
 */
export function checkMinVersion(minVersion: MinTlsVersion | undefined): MinTlsVersion {
  if (minVersion === undefined || minVersion === 'TLSv1.3' || minVersion === 'TLSv1.2') return minVersion ?? 'TLSv1.3';
  throw new EphemosError('ERR_OPTION_INVALID', 'minVersion must be "TLSv1.3" or "TLSv1.2"');
}

function keyPair(svid: X509Svid): { cert: string; key: string } {
  return {
    cert: svid.chain.map(toPem).join(''),
    key: svid.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function toPem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
