// The HTTP/2 client: requests in, streams out, over a session that is replaced before it gets old.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  type ClientSessionRequestOptions,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { EphemosError } from '../errors.ts';
import { type ClientOptions, type Connector, createConnector } from '../tls/connect.ts';
import { closedEarly } from '../tls/early-close.ts';
import { parseHttpsUrl } from './https-url.ts';
import type { Gated } from './server.ts';

/** One origin over HTTP/2. */
export interface Http2Client extends Gated, AsyncDisposable {
  /**
   * Opens a stream, on the current session or on a new one.
   * @throws {EphemosError} ERR_PEER_* when the server is not verified and authorized
   */
  request(headers: OutgoingHttpHeaders, options?: ClientSessionRequestOptions): Promise<ClientHttp2Stream>;
  /** Lets streams finish and closes. */
  close(): Promise<void>;
}

/** What {@link createHttp2Client} takes. */
export interface Http2ClientOptions extends ClientOptions {
  /** Passed on to node:http2. */
  readonly session?: ClientSessionOptions | undefined;
}

/**
 * Makes a client for one origin, such as `https://orders:8443`.
 * @throws {EphemosError} ERR_URL_NOT_HTTPS, ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createHttp2Client(origin: string | URL, options: Http2ClientOptions): Http2Client {
  const url = parseHttpsUrl(origin);
  const connector = createConnector(options);
  const sessions = new Set<ClientHttp2Session>();
  let current: Promise<ClientHttp2Session> | undefined;
  let closed = false;

  function open(): Promise<ClientHttp2Session> {
    const opening = openSession(url, connector, options.session).then(({ session, onDrain }) => {
      sessions.add(session);
      session.once('goaway', retire).once('close', () => {
        retire();
        sessions.delete(session);
      });
      // The session is replaced first and closed after that, so nobody opens a stream on it in between.
      onDrain(() => {
        retire();
        session.close();
      });
      if (closed) session.close();
      return session;
    });
    opening.catch(retire);
    return opening;

    // Only this session: by the time that it closes there may be another one.
    function retire(): void {
      if (current === opening) current = undefined;
    }
  }

  function currentSession(): Promise<ClientHttp2Session> {
    if (closed) throw new EphemosError('ERR_SOURCE_CLOSED', 'the HTTP/2 client was closed');
    current ??= open();
    return current;
  }

  async function request(headers: OutgoingHttpHeaders, requestOptions?: ClientSessionRequestOptions): Promise<ClientHttp2Stream> {
    for (;;) {
      const opening = currentSession();
      const session = await opening;
      // Between the promise and here the session may have been told to go; then there is another one by now.
      if (!session.closed && !session.destroyed) return session.request(headers, requestOptions);
      if (current === opening) current = undefined;
    }
  }

  async function close(): Promise<void> {
    closed = true;
    connector.close();
    await Promise.all([...sessions].map(closeSession));
  }

  return { request, reauthorize: connector.reauthorize, close, [Symbol.asyncDispose]: close };
}

interface OpenSession {
  readonly session: ClientHttp2Session;
  onDrain(listener: () => void): void;
}

async function openSession(url: URL, connector: Connector, options: ClientSessionOptions | undefined): Promise<OpenSession> {
  const connection = await connector.connect({ host: hostOf(url), port: Number(url.port || 443), protocols: ['h2'] });
  const session = connect(url, { ...options, createConnection: () => connection.socket });
  // Without a listener a reset of an idle session would end the process; streams get their own errors.
  session.on('error', () => undefined);
  // A server that refuses us closes before it says anything, and Node would end the streams without an error (Node 20 to 26).
  let greeted = false;
  session.once('remoteSettings', () => {
    greeted = true;
  });
  connection.socket.prependOnceListener('close', () => {
    if (!greeted) session.destroy(closedEarly(connection));
  });
  return { session, onDrain: (listener) => connection.onDrain(listener) };
}

function closeSession(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    if (session.destroyed) return resolve();
    session.once('close', resolve);
    session.close();
  });
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
