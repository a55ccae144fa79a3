// Asks a PostgreSQL server for TLS over a socket that is open: 8 bytes out, one byte back (PostgreSQL 17 manual, section 54.2.11).
import type { Socket } from 'node:net';
import { EphemosError } from '../errors.ts';

/** Message length 8, code 80877103 (SSLRequest). */
const SSL_REQUEST: Uint8Array = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

/**
 * Resolves when the next byte belongs to TLS, in the turn in which the answer came.
 * @throws {EphemosError} ERR_CONNECT_FAILED when the server has no TLS, speaks something else or sent more than its answer
 */
export async function requestTls(socket: Socket): Promise<void> {
  socket.write(SSL_REQUEST);
  const answer = await firstByte(socket);
  if (answer !== 'S') throw refusalOf(answer);
  // What comes before the handshake was not sent by the server that proves itself in it. A client that reads it as an answer from
  // inside the session can be fed any answer (CVE-2021-23222).
  if (socket.readableLength > 0) {
    throw new EphemosError('ERR_CONNECT_FAILED', 'the server sent bytes between its answer and the TLS handshake', {
      hint: 'somebody on the way may be inserting answers; nothing of it was read',
    });
  }
}

// The text of an error that comes before TLS is nobody's word, so it is not repeated (CVE-2024-10977).
function refusalOf(answer: string): EphemosError {
  if (answer === 'N') {
    return new EphemosError('ERR_CONNECT_FAILED', 'the database server offers no TLS', {
      hint: "set ssl = on, ssl_cert_file and ssl_key_file in its postgresql.conf; a server's unix socket never has TLS",
    });
  }
  if (answer === 'E') {
    return new EphemosError('ERR_CONNECT_FAILED', 'the database server answered the request for TLS with an error', {
      hint: 'its log says which; too many connections is the usual one',
    });
  }
  return new EphemosError('ERR_CONNECT_FAILED', 'the server did not answer the request for TLS as PostgreSQL does', {
    hint: 'is this the port of the database?',
  });
}

function firstByte(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on('readable', onReadable).once('error', onError).once('close', onClose);

    function onReadable(): void {
      const byte: unknown = socket.read(1);
      if (!Buffer.isBuffer(byte)) return;
      settle();
      resolve(byte.toString('latin1'));
    }

    function onError(error: Error): void {
      settle();
      reject(error);
    }

    function onClose(): void {
      onError(new EphemosError('ERR_CONNECT_FAILED', 'the database server closed the connection before it answered'));
    }

    function settle(): void {
      socket.off('readable', onReadable).off('error', onError).off('close', onClose);
    }
  });
}
