// A PostgreSQL server made by hand, for what a real one never does: it answers as the test says and keeps what it was sent.
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket, type TlsOptions } from 'node:tls';
import { type Listening, listening } from '../support/listening.ts';

const SSL_REQUEST_LENGTH = 8;

/** AuthenticationOk and ReadyForQuery. */
export const WELCOME: Buffer = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]);
/** One row with one column, as text, and ReadyForQuery. */
export function rowOf(text: string): Buffer {
  const column = Buffer.concat([Buffer.from('answer\0'), Buffer.alloc(6), Buffer.from([0, 0, 0, 25, 255, 255, 255, 255, 255, 255, 0, 0])]);
  const value = Buffer.alloc(4);
  value.writeInt32BE(Buffer.byteLength(text));
  return Buffer.concat([
    message('T', Buffer.concat([Buffer.from([0, 1]), column])),
    message('D', Buffer.concat([Buffer.from([0, 1]), value, Buffer.from(text)])),
    message('C', Buffer.from('SELECT 1\0')),
    message('Z', Buffer.from('I')),
  ]);
}

export function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export interface PgServerOptions {
  /** What it says to the request for TLS; null says nothing. Default `S`. */
  readonly answer?: string | Buffer | null | undefined;
  /** Closes behind its answer. */
  readonly hangsUp?: boolean | undefined;
  /** Without it there is no TLS behind the answer. */
  readonly tls?: TlsOptions | undefined;
  /** Says the end behind the first bytes inside TLS, instead of a welcome. */
  readonly refuses?: boolean | undefined;
  /** Told of every socket before it is used. */
  readonly onSocket?: ((socket: Socket) => void) | undefined;
}

export interface PgServer extends Listening<Server> {
  /** Everything that came outside TLS, the handshake not included. */
  readonly plain: () => Buffer;
  /** Everything that came inside TLS. */
  readonly inside: () => Buffer;
}

/** Opens it. It answers every query with one row, `real`. */
export async function openPgServer(options: PgServerOptions = {}): Promise<PgServer> {
  const { answer = 'S', tls, hangsUp = false, refuses = false, onSocket } = options;
  let plain = Buffer.alloc(0);
  let inside = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onSocket?.(socket);
    let asked = Buffer.alloc(0);
    socket.on('readable', function read() {
      const chunk: unknown = socket.read(Math.min(socket.readableLength, SSL_REQUEST_LENGTH - asked.length));
      if (!Buffer.isBuffer(chunk)) return;
      asked = Buffer.concat([asked, chunk]);
      plain = Buffer.concat([plain, chunk]);
      if (asked.length < SSL_REQUEST_LENGTH) return;
      socket.off('readable', read);
      if (answer !== null) socket.write(answer);
      if (hangsUp) socket.end();
      if (tls === undefined) {
        socket.on('data', (more: Buffer) => {
          plain = Buffer.concat([plain, more]);
        });
        return;
      }
      const secure = new TLSSocket(socket, { ...tls, isServer: true });
      secure.on('error', () => undefined);
      serve(secure);
    });
  });

  function serve(secure: TLSSocket): void {
    let started = false;
    secure.on('data', (chunk: Buffer) => {
      inside = Buffer.concat([inside, chunk]);
      if (refuses) secure.end();
      else if (chunk[0] === 0x58) secure.end();
      else secure.write(started ? rowOf('real') : WELCOME);
      started = true;
    });
  }

  return Object.assign(await listening(server), { plain: () => plain, inside: () => inside });
}
