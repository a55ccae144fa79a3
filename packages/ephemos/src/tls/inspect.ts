// A look at a peer that is never admitted: dials it, takes what it presents and what we make of that, and drops the connection. For tools.
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { type Authorizer, checkAuthorizer, decide } from '../authorize/authorizer.ts';
import { EphemosError, isEphemosError } from '../errors.ts';
import type { Peer } from '../spiffe/peer.ts';
import { verifyPeer } from '../spiffe/peer-verifier.ts';
import type { X509BundleSet } from '../spiffe/x509-bundle-set.ts';
import { MAX_CHAIN_CERTIFICATES, type X509Svid } from '../spiffe/x509-svid.ts';
import { checkDurations } from './gate-options.ts';
import { secureContextOf } from './secure-context.ts';

/** How long dialling and the handshake may take together, in milliseconds. */
export const INSPECT_TIMEOUT_MS = 10_000;
/** How long a peer has to close on us after the handshake, in milliseconds: in TLS 1.3 that is how a server refuses its caller. */
export const INSPECT_PATIENCE_MS = 500;

/** What {@link inspectUnadmittedPeer} takes. */
export interface InspectOptions {
  readonly host: string;
  readonly port: number;
  /** What we present. */
  readonly svid: X509Svid;
  readonly bundles: X509BundleSet;
  readonly authorize: Authorizer;
  /** ALPN, the preferred one first. */
  readonly protocols?: readonly string[] | undefined;
  /** Milliseconds; default 10,000. */
  readonly timeout?: number | undefined;
  /** How long to watch for the peer closing on us, in milliseconds; default 500. */
  readonly patience?: number | undefined;
}

/** What was seen of a peer. */
export interface PeerInspection {
  /** The certificates that it presented, DER, leaf first, whatever they are worth. */
  readonly chain: readonly Uint8Array[];
  /** Set when the chain was verified, authorized or not. */
  readonly peer: Peer | undefined;
  /** Why a client of ours would not talk to it; undefined when it would. */
  readonly refusal: EphemosError | undefined;
  /** Whether it sent something, kept quiet, or closed on us, which most often means that it refuses our identity. */
  readonly reception: 'answered' | 'silent' | 'closed';
  /** What it closed with, when that was an error. */
  readonly closeError: Error | undefined;
  readonly remoteAddress: string | undefined;
  readonly tlsVersion: string;
  readonly cipher: string;
  /** The application protocol that was agreed on. */
  readonly protocol: string | undefined;
}

/**
 * Shows what a peer presents even when it must be refused. The socket is not handed out, nothing is ever written to it and
 * what the peer sends is thrown away.
 * @throws {EphemosError} ERR_CONNECT_TIMEOUT, ERR_CONNECT_FAILED; and system and OpenSSL errors when there is no handshake
 */
export async function inspectUnadmittedPeer(options: InspectOptions): Promise<PeerInspection> {
  const { host, port, protocols = [], timeout = INSPECT_TIMEOUT_MS, patience = INSPECT_PATIENCE_MS } = options;
  const authorize = checkAuthorizer(options.authorize);
  checkDurations({ timeout, patience });
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({
      host,
      port,
      secureContext: secureContextOf(options.svid, 'TLSv1.3'),
      // Verification is ours, as in the connector.
      rejectUnauthorized: false,
      servername: isIP(host) === 0 ? host : '',
      ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
    });
    let timer = setTimeout(() => socket.destroy(timedOut(timeout)), timeout);
    let seen: Omit<PeerInspection, 'reception' | 'closeError'> | undefined;

    function finish(reception: PeerInspection['reception'], closeError?: Error): void {
      clearTimeout(timer);
      socket.destroy();
      if (seen !== undefined) resolve(Object.freeze({ ...seen, reception, closeError }));
      else reject(closeError ?? new EphemosError('ERR_CONNECT_FAILED', 'the peer closed the connection during the handshake'));
    }

    socket.once('secureConnect', () => {
      clearTimeout(timer);
      timer = setTimeout(() => finish('silent'), patience);
      try {
        seen = look(socket, { bundles: options.bundles, authorize, protocols });
      } catch (error) {
        return finish('closed', error instanceof Error ? error : undefined);
      }
      socket.once('data', () => finish('answered'));
    });
    // On for good: an error may follow after the end.
    socket.on('error', (error: Error) => finish('closed', error));
    socket.once('end', () => finish('closed')).once('close', () => finish('closed'));
  });
}

interface Judgement {
  readonly bundles: X509BundleSet;
  readonly authorize: Authorizer;
  readonly protocols: readonly string[];
}

function look(socket: TLSSocket, { bundles, authorize, protocols }: Judgement): Omit<PeerInspection, 'reception' | 'closeError'> {
  const chain = Object.freeze(presentedChain(socket.getPeerX509Certificate()));
  const protocol = typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : undefined;
  const verdict = judge(chain, bundles);
  const refusal = verdict.refusal ?? decide(authorize, verdict.peer).refusal ?? protocolRefusal(protocol, protocols);
  return {
    chain,
    peer: verdict.peer,
    refusal,
    protocol,
    remoteAddress: socket.remoteAddress,
    tlsVersion: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
  };
}

type Verdict = { readonly peer: Peer; readonly refusal: undefined } | { readonly peer: undefined; readonly refusal: EphemosError };

function judge(chain: readonly Uint8Array[], bundles: X509BundleSet): Verdict {
  try {
    return { peer: verifyPeer(chain, bundles), refusal: undefined };
  } catch (error) {
    if (!isEphemosError(error)) throw error;
    return { peer: undefined, refusal: error };
  }
}

// The rule of the connector: a server without ALPN is fine for every protocol but HTTP/2.
function protocolRefusal(protocol: string | undefined, wanted: readonly string[]): EphemosError | undefined {
  if (protocol !== undefined || wanted[0] !== 'h2') return undefined;
  return new EphemosError('ERR_ALPN_MISMATCH', `the server speaks none of ${wanted.join(', ')}`);
}

function presentedChain(leaf: X509Certificate | undefined): Uint8Array[] {
  const chain: Uint8Array[] = [];
  for (let each = leaf; each !== undefined && chain.length <= MAX_CHAIN_CERTIFICATES; each = each.issuerCertificate) chain.push(each.raw);
  return chain;
}

function timedOut(timeout: number): EphemosError {
  return new EphemosError('ERR_CONNECT_TIMEOUT', `no handshake within ${timeout / 1000} s`);
}
