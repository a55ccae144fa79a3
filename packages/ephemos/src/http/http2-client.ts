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
import type { LiveConnection } from '../tls/live-connection.ts';
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
  const lines = new Set<Line>();
  let current: Promise<Line> | undefined;
  let closed = false;

  function open(): Promise<Line> {
    const opening = openLine(url, connector, options.session).then(({ line, connection }) => {
      lines.add(line);
      line.session.once('goaway', replace).once('close', () => {
        replace();
        lines.delete(line);
      });
      // The session is replaced first and closed after that, so nobody opens a stream on it in between.
      connection.onDrain(() => {
        replace();
        retire(line);
      });
      if (closed) retire(line);
      return line;
    });
    opening.catch(replace);
    return opening;

    // Only this session: by the time that it closes there may be another one.
    function replace(): void {
      if (current === opening) current = undefined;
    }
  }

  function currentLine(): Promise<Line> {
    if (closed) throw new EphemosError('ERR_SOURCE_CLOSED', 'the HTTP/2 client was closed');
    current ??= open();
    return current;
  }

  async function request(headers: OutgoingHttpHeaders, requestOptions?: ClientSessionRequestOptions): Promise<ClientHttp2Stream> {
    for (;;) {
      const opening = currentLine();
      const line = await opening;
      // Between the promise and here the session may have been told to go; then there is another one by now.
      if (!line.retired && !line.session.closed && !line.session.destroyed) return openStream(line, headers, requestOptions);
      if (current === opening) current = undefined;
    }
  }

  async function close(): Promise<void> {
    closed = true;
    connector.close();
    await Promise.all([...lines].map(closeLine));
  }

  return { request, reauthorize: connector.reauthorize, close, [Symbol.asyncDispose]: close };
}

/** A session and its open streams. */
interface Line {
  readonly session: ClientHttp2Session;
  streams: number;
  /** Takes no more streams and is closed after the last one. */
  retired: boolean;
}

async function openLine(
  url: URL,
  connector: Connector,
  options: ClientSessionOptions | undefined,
): Promise<{ readonly line: Line; readonly connection: LiveConnection }> {
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
  return { line: { session, streams: 0, retired: false }, connection };
}

function openStream(line: Line, headers: OutgoingHttpHeaders, options: ClientSessionRequestOptions | undefined): ClientHttp2Stream {
  const stream = line.session.request(headers, options);
  line.streams += 1;
  stream.once('close', () => {
    line.streams -= 1;
    if (line.retired) retire(line);
  });
  return stream;
}

/** Closes a session when its last stream is done. Not before: the GOAWAY of close() would overtake a request that is not written yet, and the server refuse it. */
function retire(line: Line): void {
  line.retired = true;
  if (line.streams === 0 && !line.session.destroyed) line.session.close();
}

function closeLine(line: Line): Promise<void> {
  return new Promise((resolve) => {
    if (line.session.destroyed) return resolve();
    line.session.once('close', resolve);
    retire(line);
  });
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
