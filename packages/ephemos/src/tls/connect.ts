// The connector: a host and port in, a socket with a verified and authorized peer out. Every client of Ephemos dials through it.
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { type Authorizer, checkAuthorizer } from '../authorize/authorizer.ts';
import { EphemosError } from '../errors.ts';
import { publish } from '../observe/channels.ts';
import type { X509Source } from '../source/x509-source.ts';
import { createPeerVerifier } from '../spiffe/peer-verifier.ts';
import type { X509Svid } from '../spiffe/x509-svid.ts';
import { createGate } from './admit.ts';
import { checkDurations, checkSource } from './check-options.ts';
import { explainEarlyClose } from './early-close.ts';
import { LiveConnection } from './live-connection.ts';
import { LiveConnections } from './live-connections.ts';
import { tagPeer } from './peer-of.ts';
import { checkMinVersion, type MinTlsVersion, secureContextOf } from './secure-context.ts';

/** How long dialling and the handshake may take together, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** What every client of Ephemos takes. */
export interface ClientOptions {
  readonly source: X509Source;
  /** Which servers may be talked to. There is no default. */
  readonly authorize: Authorizer;
  /** Default `TLSv1.3`. */
  readonly minVersion?: MinTlsVersion | undefined;
  /** Dialling and handshake together, in milliseconds; default 10,000. */
  readonly connectTimeout?: number | undefined;
  /** Over how many milliseconds live connections end after our identity was withdrawn; default 10,000, 0 ends them at once. */
  readonly withdrawalGrace?: number | undefined;
  /** How many milliseconds a connection has to finish after its peer was refused; default 3,000. */
  readonly closeGrace?: number | undefined;
}

/** Where to connect, and with which application protocols. */
export interface Target {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** A unix socket instead of host and port. */
  readonly path?: string | undefined;
  /** A socket that is open already, for protocols that start TLS later. */
  readonly socket?: Socket | undefined;
  /** Server name indication; default the host when it is a name. It says which server is wanted and proves nothing. */
  readonly servername?: string | undefined;
  /** ALPN, the preferred one first. Without one nothing is offered. */
  readonly protocols?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Dials with one identity and one policy, and watches over what it dialled. */
export interface Connector {
  connect(target: Target): Promise<LiveConnection>;
  reauthorize(): Promise<void>;
  readonly connections: LiveConnections;
}

/**
 * Makes a connector.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createConnector(options: ClientOptions): Connector {
  checkClientOptions(options);
  const { source, connectTimeout = CONNECT_TIMEOUT_MS } = options;
  const authorize = checkAuthorizer(options.authorize);
  const minVersion = checkMinVersion(options.minVersion);
  const verifier = createPeerVerifier();
  const gate = createGate(verifier, authorize);
  const connections = new LiveConnections({ ...options, authorize, verifier });

  async function connect(target: Target): Promise<LiveConnection> {
    const { svid } = source;
    const socket = await handshake(target, svid, minVersion, connectTimeout);
    try {
      return admit(socket, svid, target);
    } catch (error) {
      socket.destroy();
      if (error instanceof EphemosError)
        publish('refused', () => ({ role: 'client', error, remoteAddress: socket.remoteAddress, live: false }));
      throw error;
    }
  }

  function admit(socket: TLSSocket, svid: X509Svid, { protocols = [] }: Target): LiveConnection {
    const now = Date.now();
    // Throws when the identity was withdrawn during the handshake.
    void source.svid;
    const peer = gate.admit(socket, source.bundles, now);
    // A server without ALPN answers nothing, which every protocol but HTTP/2 may live with.
    if (socket.alpnProtocol === false ? protocols[0] === 'h2' : protocols.length > 0 && !protocols.includes(socket.alpnProtocol ?? '')) {
      throw new EphemosError('ERR_ALPN_MISMATCH', `the server speaks none of ${protocols.join(', ')}`, {
        hint: 'on a port that gRPC and HTTP share, h2 is gRPC and HTTP is http/1.1',
      });
    }
    tagPeer(socket, peer);
    socket.disableRenegotiation();
    const connection = new LiveConnection(socket, 'client', peer, svid, now);
    connections.add(connection);
    explainEarlyClose(connection);
    publish('handshake', () => ({ role: 'client', peer: peer.id.toString(), protocol: socket.getProtocol() }));
    return connection;
  }

  return { connect, connections, reauthorize: () => connections.reauthorize() };
}

/**
 * Refuses options that no client can be made of.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function checkClientOptions({ source, authorize, minVersion, connectTimeout, withdrawalGrace, closeGrace }: ClientOptions): void {
  checkSource(source);
  checkAuthorizer(authorize);
  checkMinVersion(minVersion);
  checkDurations({ connectTimeout, withdrawalGrace, closeGrace });
}

function handshake(target: Target, svid: X509Svid, minVersion: MinTlsVersion, timeout: number): Promise<TLSSocket> {
  const { signal } = target;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(signal));
    const socket = tlsConnect(connectionOptions(target, svid, minVersion));
    const timer = setTimeout(() => socket.destroy(timedOut(timeout)), timeout);
    const onAbort = (): void => void socket.destroy(aborted(signal));
    const onClose = (): void => fail(new EphemosError('ERR_CONNECT_FAILED', 'the server closed the connection during the handshake'));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('secureConnect', onSecure).once('error', fail).once('close', onClose);

    function onSecure(): void {
      settle();
      resolve(socket);
    }

    function fail(error: Error): void {
      settle();
      socket.destroy();
      reject(error);
    }

    function settle(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('secureConnect', onSecure).off('error', fail).off('close', onClose);
    }
  });
}

function connectionOptions(target: Target, svid: X509Svid, minVersion: MinTlsVersion): ConnectionOptions {
  const { host, port, path, socket, protocols, servername = host } = target;
  return {
    ...(socket !== undefined ? { socket } : path !== undefined ? { path } : { host: host ?? 'localhost', port: port ?? 443 }),
    secureContext: secureContextOf(svid, minVersion),
    // Verification is ours and happens in 'secureConnect'; with no authorities in the context OpenSSL's verdict means nothing.
    rejectUnauthorized: false,
    // An IP address is no server name (RFC 6066 section 3; Node 26 throws).
    servername: servername === undefined || isIP(servername) !== 0 ? '' : servername,
    ...(protocols === undefined || protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
  };
}

function aborted(signal: AbortSignal | undefined): EphemosError {
  return new EphemosError('ERR_CONNECT_ABORTED', 'the connection attempt was ended by its signal', { cause: signal?.reason });
}

function timedOut(timeout: number): EphemosError {
  return new EphemosError('ERR_CONNECT_TIMEOUT', `no verified connection within ${timeout / 1000} s`);
}
