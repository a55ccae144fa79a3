// Why a server closed before it answered: in TLS 1.3 a client learns of its refusal only as a closed connection, so that is what errors should say.
import { EphemosError } from '../errors.ts';
import type { LiveConnection } from './live-connection.ts';

/** A close this soon after the handshake, in milliseconds, is most often a refusal. */
export const EARLY_CLOSE_MS = 5_000;

/** Gives the error of a connection that is reset early a cause that names both identities. The error itself stays what Node made it. */
export function explainEarlyClose(connection: LiveConnection): void {
  const openedAt = Date.now();
  connection.socket.prependOnceListener('error', (error: Error) => {
    if (Date.now() - openedAt < EARLY_CLOSE_MS) error.cause ??= closedEarly(connection);
  });
}

/** Gives a connection that the peer closes early, without an error, one: grpc-js then shows the reason instead of "Failed to connect". */
export function errorOnEarlyClose(connection: LiveConnection): void {
  const { socket } = connection;
  const openedAt = Date.now();
  socket.prependOnceListener('close', (hadError: boolean) => {
    if (hadError || Date.now() - openedAt > EARLY_CLOSE_MS || socket.listenerCount('error') === 0) return;
    // grpc-js shows the text of an error and nothing else of it.
    const { code, message, hint } = closedEarly(connection);
    socket.emit('error', new EphemosError(code, `${code}: ${message} (hint: ${hint})`));
  });
}

/** The cause of an error for a request that the peer closed on without an answer. */
export function closedEarly({ peer, svid }: LiveConnection): EphemosError {
  return new EphemosError('ERR_CONNECT_FAILED', `${peer.id} closed the connection before it answered`, {
    hint: svid === undefined ? 'its log says why' : `it may not authorize ${svid.id}; its log says why`,
  });
}
