// The terminator: a tls.Server in, verified and authorized sockets handed over. Every server of Ephemos is one of these with an adapter behind it.
import type { Socket } from 'node:net';
import type { Server, TLSSocket, TlsOptions } from 'node:tls';
import { checkAuthorizer } from '../authorize/authorizer.ts';
import { EphemosError } from '../errors.ts';
import { publish } from '../observe/channels.ts';
import type { X509Source } from '../source/x509-source.ts';
import { createPeerVerifier } from '../spiffe/peer-verifier.ts';
import type { X509Svid } from '../spiffe/x509-svid.ts';
import { type ConnectionLimits, checkConnectionLimits, limitConnections } from './admission.ts';
import { createGate } from './admit.ts';
import { createDrain, type Drainable } from './drain.ts';
import { followSource, svidOf } from './follow-source.ts';
import { checkGateOptions, type GateOptions } from './gate-options.ts';
import { LiveConnection } from './live-connection.ts';
import { LiveConnections } from './live-connections.ts';
import { tagConnection, tagPeer } from './peer-of.ts';
import { checkMinVersion, present, secureContextOptions } from './secure-context.ts';

/** How long a client may take from the first byte to a finished handshake, in milliseconds. Node's own limit is 120 s and starts anew with every byte. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

// How late a handshake that takes too long may be ended.
const SWEEP_MS = 100;

/** What every server of Ephemos takes. */
export interface ServerOptions extends GateOptions {
  /** From the first byte to a finished handshake, in milliseconds; default 10,000. */
  readonly handshakeTimeout?: number | undefined;
  /** Default none. */
  readonly limits?: ConnectionLimits | undefined;
}

/** What {@link terminate} adds to a server. */
export interface Terminator extends Drainable {
  /** Verifies and authorizes every live connection again; those that no longer pass end. */
  reauthorize(): Promise<void>;
  readonly connections: LiveConnections;
}

/** Takes over an admitted socket. */
export type HandOver = (socket: TLSSocket, connection: LiveConnection) => void;

/** The options to create the tls.Server with; {@link terminate} does the rest. */
export function tlsServerOptions(options: ServerOptions, protocols: readonly string[]): TlsOptions {
  checkGateOptions(options, { handshakeTimeout: options.handshakeTimeout });
  checkConnectionLimits(options.limits ?? {});
  return {
    ...secureContextOptions(svidOf(options.source), checkMinVersion(options.minVersion)),
    requestCert: true,
    // OpenSSL's verdict is not used: it knows one pool of authorities and no trust domains.
    rejectUnauthorized: false,
    handshakeTimeout: options.handshakeTimeout ?? HANDSHAKE_TIMEOUT_MS,
    ALPNProtocols: [...protocols],
  };
}

/**
 * Puts the gate in front of a server made with {@link tlsServerOptions}: sockets reach `handOver` verified and authorized, or are destroyed.
 * Refusals are emitted as 'tlsClientError' with an EphemosError, where Node reports failed handshakes too.
 */
export function terminate(server: Server, options: ServerOptions, handOver: HandOver): Terminator {
  const { source } = options;
  const authorize = checkAuthorizer(options.authorize);
  const minVersion = checkMinVersion(options.minVersion);
  const verifier = createPeerVerifier();
  const gate = createGate('server', verifier, authorize);
  const connections = new LiveConnections({ ...options, authorize, verifier });
  const handshakeTimeout = options.handshakeTimeout ?? HANDSHAKE_TIMEOUT_MS;
  const pending = trackHandshakes(server, source, handshakeTimeout);
  const admission = options.limits === undefined ? undefined : limitConnections(server, options.limits, handshakeTimeout);

  server.on('secureConnection', (socket) => {
    const handshake = pending.finish(socket);
    if (handshake.raw !== undefined) admission?.finish(handshake.raw);
    try {
      // Throws when there is no identity at this moment, whatever the context held when the handshake began.
      void source.svid;
      const now = Date.now();
      const peer = gate.admit(socket, source.bundles, now);
      tagPeer(socket, peer);
      const connection = new LiveConnection(socket, 'server', peer, handshake.svid, now);
      tagConnection(socket, connection);
      connections.add(connection);
      publish('handshake', () => ({
        role: 'server',
        peer: peer.id.toString(),
        protocol: socket.getProtocol(),
        seconds: handshake.seconds(),
      }));
      handOver(socket, connection);
    } catch (error) {
      // The socket remembers its address once it was asked; one that is destroyed does not know it any more.
      const { remoteAddress } = socket;
      socket.destroy();
      if (!(error instanceof EphemosError)) throw error;
      publish('refused', () => ({ role: 'server', error, remoteAddress, live: false }));
      server.emit('tlsClientError', error, socket);
    }
  });

  server.on('tlsClientError', (error: Error, socket) => {
    // Our own refusals are told above.
    if (error instanceof EphemosError) return;
    const { remoteAddress } = socket;
    const late = pending.isLate(socket) || ('code' in error && error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT');
    publish('refused', () => ({ role: 'server', error: handshakeError(late, error), remoteAddress, live: false }));
  });

  const follow = (): (() => void) => followSource(source, { identity: (svid) => present(server, svid, minVersion) });
  let unfollow = follow();
  let closed = false;
  server.on('close', () => {
    closed = true;
    unfollow();
  });
  // A server may listen again after it was closed; by then its SVID is an old one.
  server.on('listening', () => {
    if (!closed) return;
    closed = false;
    present(server, svidOf(source), minVersion);
    unfollow = follow();
  });

  const { drain, destroyConnections } = createDrain(server, connections, pending.destroy);
  return { connections, reauthorize: () => connections.reauthorize(), drain, destroyConnections };
}

// What node:tls says of a handshake that came to nothing.
function handshakeError(late: boolean, cause: Error): EphemosError {
  return new EphemosError(
    late ? 'ERR_HANDSHAKE_TIMEOUT' : 'ERR_HANDSHAKE_FAILED',
    late ? 'a handshake took longer than allowed' : 'a handshake was broken off',
    { cause },
  );
}

/** What is remembered of a handshake while it runs. */
interface Handshake {
  readonly raw: Socket | undefined;
  /** The SVID that was current when the connection came in, so the one that it presents. */
  readonly svid: X509Svid | undefined;
  seconds(): number;
}

// Node's handshake timeout starts again with every byte, so a client that drips bytes would hold its place for ever (Node 20 to 26).
// One sweep for all of them: a timer for each handshake costs 10 us of it.
function trackHandshakes(server: Server, source: X509Source, timeout: number): HandshakeTracker {
  const running = new Map<object, Handshake & { readonly raw: Socket; readonly startedAt: number }>();
  const late = new WeakSet<object>();
  let sweeper: NodeJS.Timeout | undefined;

  function sweep(): void {
    const now = performance.now();
    for (const [key, { raw, startedAt }] of running) {
      // The oldest stand first.
      if (!raw.destroyed && now - startedAt < timeout) break;
      late.add(raw);
      raw.destroy();
      running.delete(key);
    }
    sweeper = running.size === 0 ? undefined : setTimeout(sweep, SWEEP_MS).unref();
  }

  server.prependListener('connection', (raw: Socket) => {
    const startedAt = performance.now();
    running.set(raw, { raw, startedAt, svid: svidOf(source), seconds: () => (performance.now() - startedAt) / 1000 });
    if (sweeper === undefined) sweeper = setTimeout(sweep, SWEEP_MS).unref();
  });
  return {
    finish(socket) {
      const handshake = running.get(rawOf(socket));
      if (handshake !== undefined) running.delete(handshake.raw);
      return handshake ?? { raw: undefined, svid: svidOf(source), seconds: () => Number.NaN };
    },
    isLate: (socket) => late.has(rawOf(socket)),
    destroy() {
      for (const { raw } of running.values()) raw.destroy();
    },
  };
}

interface HandshakeTracker {
  /** Takes a handshake that is done. */
  finish(socket: TLSSocket): Handshake;
  /** True when the handshake of this socket was ended because it took too long. */
  isLate(socket: TLSSocket): boolean;
  /** Ends every handshake that runs. */
  destroy(): void;
}

// The TLS socket keeps the TCP socket that it was made from in `_parent` (undocumented, Node 0.12 to 26; the tests hold it).
function rawOf(socket: TLSSocket): object {
  const parent: unknown = Reflect.get(socket, '_parent');
  return typeof parent === 'object' && parent !== null ? parent : socket;
}
