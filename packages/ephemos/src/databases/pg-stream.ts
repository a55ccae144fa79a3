// What pg writes to instead of a socket: TCP, the request for TLS, our connector, and the PostgreSQL protocol only behind it.
import { connect as netConnect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { PeerCertificate } from 'node:tls';
import { EphemosError } from '../errors.ts';
import type { Connector } from '../tls/connect.ts';
import { closedEarly } from '../tls/early-close.ts';
import type { LiveConnection } from '../tls/live-connection.ts';
import { requestTls } from './request-tls.ts';

/** How TLS begins, in the words of libpq: asked for first, or at once (PostgreSQL 17 and later). */
export type SslNegotiation = 'postgres' | 'direct';

/** The name of the protocol in ALPN, since PostgreSQL 17; older servers answer nothing. */
const PROTOCOL = 'postgresql';

/** How a stream connects. */
export interface PgStreamSettings {
  readonly connector: Connector;
  readonly negotiation: SslNegotiation;
  /** For everything until the server is verified, in milliseconds. */
  readonly connectTimeout: number;
}

/** One connection to a database, from before it is dialled to its end. */
export class PgStream extends Duplex {
  readonly #settings: PgStreamSettings;
  readonly #attempt = new AbortController();
  /** TCP at first, TLS later. */
  #socket: Socket | undefined;
  #connection: LiveConnection | undefined;
  #noDelay = false;
  #heard = false;

  constructor(settings: PgStreamSettings) {
    super({ allowHalfOpen: false });
    this.#settings = settings;
  }

  /** The verified connection, once there is one. */
  get connection(): LiveConnection | undefined {
    return this.#connection;
  }

  /** Called by pg: with a port and a host, or with the path of a unix socket. Emits 'connect' when the server is verified and admitted. */
  connect(portOrPath: number | string, host?: string): this {
    const { connectTimeout } = this.#settings;
    const timer = setTimeout(() => {
      this.destroy(new EphemosError('ERR_CONNECT_TIMEOUT', `no verified connection within ${connectTimeout / 1000} s`));
    }, connectTimeout);
    this.#open(portOrPath, host)
      .then(
        (connection) => this.#adopt(connection),
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
      )
      .finally(() => clearTimeout(timer));
    return this;
  }

  async #open(portOrPath: number | string, host: string | undefined): Promise<LiveConnection> {
    const { connector, negotiation } = this.#settings;
    const socket = await this.#dial(portOrPath, host);
    // No turn of the event loop may pass from the answer to the handshake: what comes in between would be read as if it were neither.
    if (negotiation === 'postgres') await requestTls(socket);
    const connection = await connector.connect({ socket, servername: host, protocols: [PROTOCOL], signal: this.#attempt.signal });
    if (negotiation === 'direct' && connection.socket.alpnProtocol !== PROTOCOL) {
      connection.socket.destroy();
      throw new EphemosError('ERR_ALPN_MISMATCH', `the server did not say in the handshake that it speaks ${PROTOCOL}`, {
        hint: "direct TLS needs PostgreSQL 17 or later; leave negotiation at 'postgres' for older ones",
      });
    }
    return connection;
  }

  #dial(portOrPath: number | string, host: string | undefined): Promise<Socket> {
    const target = typeof portOrPath === 'string' ? { path: portOrPath } : { port: portOrPath, host: host ?? 'localhost' };
    const socket = netConnect({ ...target, noDelay: this.#noDelay });
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      // The listener stays: the socket has none of its own until TLS takes it over.
      socket
        .on('error', reject)
        .once('close', () => reject(new Error('closed')))
        .once('connect', () => resolve(socket));
    });
  }

  #adopt(connection: LiveConnection): void {
    const { socket } = connection;
    if (this.destroyed) return void socket.destroy();
    this.#socket = socket;
    this.#connection = connection;
    socket
      .on('data', (chunk: Buffer) => {
        this.#heard = true;
        if (!this.push(chunk)) socket.pause();
      })
      .on('error', (error: Error) => this.destroy(error))
      .once('end', () => {
        // A server that refuses our certificate closes without a word.
        if (!this.#heard && !this.writableEnded) this.destroy(closedEarly(connection));
        else this.push(null);
      })
      .once('close', () => {
        if (!socket.readableEnded) this.destroy(this.#reasonOfClose(connection));
      });
    this.emit('connect');
  }

  #reasonOfClose(connection: LiveConnection): Error | undefined {
    if (this.writableEnded) return undefined;
    if (!this.#heard) return closedEarly(connection);
    if (!connection.draining || Date.now() < connection.closesAt) return undefined;
    const reason = connection.refused
      ? 'it is no longer trusted or admitted'
      : 'a certificate of the connection expired, or our identity was withdrawn';
    return new EphemosError('ERR_CONNECTION_ENDED', `the connection to ${connection.peer.id} was ended: ${reason}`, {
      hint: 'connections of a pool leave before that with retireClients(pool); a client of its own has to connect again',
    });
  }

  override _read(): void {
    if (this.#connection !== undefined) this.#socket?.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const socket = this.#connection?.socket;
    // pg ends a client that is still connecting with a message, as it could over a socket.
    if (socket === undefined) return void this.once('connect', () => this._write(chunk, _encoding, done));
    if (socket.write(chunk)) done();
    else socket.once('drain', () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    const socket = this.#connection?.socket;
    if (socket === undefined) {
      done();
      return void this.destroy();
    }
    if (socket.destroyed || socket.writableFinished) return done();
    socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#attempt.abort();
    this.#socket?.destroy();
    done(error);
  }

  /** Called by pg before it connects. */
  setNoDelay(noDelay: boolean = true): this {
    this.#noDelay = noDelay;
    return this;
  }

  /** Called by pg with its option `keepAlive`. */
  setKeepAlive(enable?: boolean, initialDelay?: number): this {
    this.#socket?.setKeepAlive(enable, initialDelay);
    return this;
  }

  /** Called by pg-pool with `allowExitOnIdle`. */
  ref(): this {
    this.#socket?.ref();
    return this;
  }

  /** Called by pg-pool with `allowExitOnIdle`. */
  unref(): this {
    this.#socket?.unref();
    return this;
  }

  /** Called by pg for channel binding, and by peerOf. */
  getPeerCertificate(): PeerCertificate | undefined {
    const connection = this.#connection;
    if (connection === undefined) return undefined;
    const [leaf = new Uint8Array()] = connection.peer.chain;
    // Node 20 to 24 have nothing left to show after the chain was read once.
    return Object.assign(connection.socket.getPeerCertificate(false), { raw: Buffer.from(leaf) });
  }
}
