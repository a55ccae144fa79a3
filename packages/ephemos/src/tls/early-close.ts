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

/**
 * The same for grpc-js, which shows the text of an error and nothing else of it: the text of a reset gets the reason too, and a close
 * without an error gets an error.
 */
export function errorOnEarlyClose(connection: LiveConnection): void {
  const { socket } = connection;
  const openedAt = Date.now();
  const isEarly = (): boolean => Date.now() - openedAt < EARLY_CLOSE_MS;
  socket.prependOnceListener('error', (error: Error) => {
    if (isEarly() && !(error instanceof EphemosError)) error.message = `${error.message}: ${textOf(closedEarly(connection))}`;
  });
  socket.prependOnceListener('close', (hadError: boolean) => {
    if (hadError || !isEarly() || socket.listenerCount('error') === 0) return;
    const reason = closedEarly(connection);
    socket.emit('error', new EphemosError(reason.code, textOf(reason)));
  });
}

/** Everything that an error of ours tells, as one line. */
export function textOf({ code, message, hint }: EphemosError): string {
  return hint === undefined ? `${code}: ${message}` : `${code}: ${message} (hint: ${hint})`;
}

/** The cause of an error for a request that the peer closed on without an answer. */
export function closedEarly({ peer, svid }: LiveConnection): EphemosError {
  return new EphemosError('ERR_CONNECT_FAILED', `${peer.id} closed the connection before it answered`, {
    hint: svid === undefined ? 'its log says why' : `it may not authorize ${svid.id}; its log says why`,
  });
}
