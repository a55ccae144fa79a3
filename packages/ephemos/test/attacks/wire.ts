// Attackers know nothing of Ephemos: plain node:tls with whatever certificates they like.
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { deferred, next } from '../support/events.ts';
import { pem } from '../support/stock.ts';
import type { Credentials } from './identities.ts';

// Weak keys are to reach the other side, which is the one to refuse them.
const LAX: TlsOptions & ConnectionOptions = { ciphers: 'DEFAULT:@SECLEVEL=0' };

export function tlsOptionsOf(credentials: Credentials | undefined): { readonly cert?: string; readonly key?: string } {
  if (credentials === undefined) return {};
  return { cert: credentials.chain.map((der) => pem('CERTIFICATE', der)).join(''), key: pem('PRIVATE KEY', credentials.privateKey) };
}

/** Dials and hands the socket over at the end of the handshake; resolves with what was seen when it is closed. */
export async function dial(
  port: number,
  credentials: Credentials | undefined,
  { use = () => undefined, ...options }: ConnectionOptions & { readonly use?: (socket: TLSSocket) => void } = {},
): Promise<{ readonly error: unknown; readonly secure: boolean; readonly received: string }> {
  const socket = connect({ ...LAX, ...tlsOptionsOf(credentials), host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  let error: unknown;
  let secure = false;
  let received = '';
  socket.on('error', (failure: unknown) => {
    error ??= failure;
  });
  socket.once('secureConnect', () => {
    secure = true;
    use(socket);
  });
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    if (received.includes('served')) socket.end();
  });
  await next(socket, 'close').catch((failure: unknown) => {
    // `next` fails with the first error; the close comes after it.
    error ??= failure;
    return socket.closed ? undefined : next(socket, 'close');
  });
  return { error, secure, received };
}

/** A TLS server of an attacker. */
export interface RogueServer extends AsyncDisposable {
  readonly port: number;
  /** Bytes of requests that arrived: none may. */
  readonly received: () => number;
  /** Resolves with the first of them. */
  readonly firstBytes: Promise<void>;
  /** Finished handshakes. */
  readonly handshakes: () => number;
}

export async function openRogueServer(credentials: Credentials, options: TlsOptions = {}): Promise<RogueServer> {
  let received = 0;
  let handshakes = 0;
  const first = deferred();
  const sockets = new Set<TLSSocket>();
  const server = createServer(
    { ...LAX, ...tlsOptionsOf(credentials), requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'], ...options },
    (socket) => {
      handshakes += 1;
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
        first.resolve();
      });
    },
  );
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await next(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('no port');
  return {
    port: address.port,
    received: () => received,
    firstBytes: first.promise,
    handshakes: () => handshakes,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await next(server, 'close');
    },
  };
}
