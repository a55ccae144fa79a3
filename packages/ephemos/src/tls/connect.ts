// The connector: a host and port in, a socket with a verified and authorized peer out. Every client of Ephemos dials through it.
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { checkAuthorizer } from '../authorize/authorizer.ts';
import { EphemosError } from '../errors.ts';
import { publish } from '../observe/channels.ts';
import { createPeerVerifier } from '../spiffe/peer-verifier.ts';
import type { X509Svid } from '../spiffe/x509-svid.ts';
import { createGate } from './admit.ts';
import { closedEarly, explainEarlyClose } from './early-close.ts';
import { checkGateOptions, type GateOptions } from './gate-options.ts';
import { LiveConnection } from './live-connection.ts';
import { LiveConnections } from './live-connections.ts';
import { tagConnection, tagPeer } from './peer-of.ts';
import { checkMinVersion, type MinTlsVersion, secureContextOf } from './secure-context.ts';

/** How long dialling and the handshake may take together, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 10_000;

const HOST_NAME = /^[\w.-]+$/;

/** What every client of Ephemos takes. */
export interface ClientOptions extends GateOptions {
  /** Dialling and handshake together, in milliseconds; default 10,000. */
  readonly connectTimeout?: number | undefined;
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
  /** Gives up the attempts that are under way. Live connections stay. */
  close(): void;
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
  const gate = createGate('client', verifier, authorize);
  const connections = new LiveConnections({ ...options, authorize, verifier });
  const attempts = new Set<TLSSocket>();

  async function connect(target: Target): Promise<LiveConnection> {
    const startedAt = performance.now();
    try {
      const { svid } = source;
      const open = connectionOptions(target, svid, minVersion);
      const connection = await handshake(open, { timeout: connectTimeout, signal: target.signal, attempts }, (socket) =>
        admit(socket, svid, target, startedAt),
      );
      // What the server sent right behind its handshake may have closed the socket before anybody could listen.
      if (connection.socket.destroyed) throw closedEarly(connection);
      return connection;
    } catch (error) {
      // Nothing can be said any more over a socket that was given to us for this.
      target.socket?.destroy();
      throw error;
    }
  }

  // Async for its errors alone: it is done in the turn in which it is called.
  async function admit(socket: TLSSocket, svid: X509Svid, target: Target, startedAt: number): Promise<LiveConnection> {
    try {
      return verified(socket, svid, target, startedAt);
    } catch (error) {
      const { remoteAddress } = socket;
      socket.on('error', () => undefined).destroy();
      if (error instanceof EphemosError) publish('refused', () => ({ role: 'client', error, remoteAddress, live: false }));
      throw error;
    }
  }

  function verified(socket: TLSSocket, svid: X509Svid, { protocols = [] }: Target, startedAt: number): LiveConnection {
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
    tagConnection(socket, connection);
    connections.add(connection);
    explainEarlyClose(connection);
    publish('handshake', () => ({
      role: 'client',
      peer: peer.id.toString(),
      protocol: socket.getProtocol(),
      seconds: (performance.now() - startedAt) / 1000,
    }));
    return connection;
  }

  function close(): void {
    for (const socket of attempts) socket.destroy(new EphemosError('ERR_CONNECT_ABORTED', 'the client was closed while it connected'));
  }

  return { connect, connections, reauthorize: () => connections.reauthorize(), close };
}

/**
 * Refuses options that no client can be made of.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function checkClientOptions(options: ClientOptions): void {
  checkGateOptions(options, { connectTimeout: options.connectTimeout });
}

/** What bounds an attempt to connect. */
interface Bounds {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  /** The attempts that are under way. */
  readonly attempts: Set<TLSSocket>;
}

/** Dials, and takes what `admit` makes of the socket in the turn in which the handshake is done: from then on the server can send what breaks it. */
function handshake(
  options: ConnectionOptions,
  bounds: Bounds,
  admit: (socket: TLSSocket) => Promise<LiveConnection>,
): Promise<LiveConnection> {
  const { timeout, signal, attempts } = bounds;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(signal));
    const socket = tlsConnect(options);
    attempts.add(socket);
    const timer = setTimeout(() => socket.destroy(timedOut(timeout)), timeout);
    const onAbort = (): void => void socket.destroy(aborted(signal));
    const onClose = (): void => fail(new EphemosError('ERR_CONNECT_FAILED', 'the server closed the connection during the handshake'));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('secureConnect', onSecure).once('error', fail).once('close', onClose);

    function onSecure(): void {
      const admitted = admit(socket);
      settle();
      resolve(admitted);
    }

    function fail(error: Error): void {
      settle();
      // node:tls can emit a second error after the one that it did not close for.
      socket.on('error', () => undefined).destroy();
      reject(explainAlert(error));
    }

    function settle(): void {
      attempts.delete(socket);
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
    // An IP address is no server name (RFC 6066 section 3; Node 26 throws), and neither is the path of a socket.
    servername: servername !== undefined && isIP(servername) === 0 && HOST_NAME.test(servername) ? servername : '',
    ...(protocols === undefined || protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
  };
}

// All that TLS lets a server without a certificate say. The error stays what Node made it.
function explainAlert(error: Error): Error {
  if ('code' in error && typeof error.code === 'string' && error.code.endsWith('ALERT_HANDSHAKE_FAILURE')) {
    error.cause ??= new EphemosError('ERR_CONNECT_FAILED', 'the server refused the handshake before it showed a certificate', {
      hint: 'most often it has no identity at this moment; its log says why',
    });
  }
  return error;
}

function aborted(signal: AbortSignal | undefined): EphemosError {
  return new EphemosError('ERR_CONNECT_ABORTED', 'the connection attempt was ended by its signal', { cause: signal?.reason });
}

function timedOut(timeout: number): EphemosError {
  return new EphemosError('ERR_CONNECT_TIMEOUT', `no verified connection within ${timeout / 1000} s`);
}
