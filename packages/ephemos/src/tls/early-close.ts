// Why a server closed before it answered: in TLS 1.3 a client learns of its refusal only as a closed connection, so that is what errors should say.
import type { TLSSocket } from 'node:tls';
import { EphemosError } from '../errors.ts';
import type { SpiffeId } from '../spiffe/spiffe-id.ts';

/** A reset this soon after the handshake, in milliseconds, is most often a refusal. */
export const EARLY_CLOSE_MS = 5_000;

/** Gives the error of a connection that is reset early a cause that names both identities. The error itself stays what Node made it. */
export function explainEarlyClose(socket: TLSSocket, own: SpiffeId, peer: SpiffeId): void {
  const openedAt = Date.now();
  socket.prependOnceListener('error', (error: Error) => {
    if (Date.now() - openedAt < EARLY_CLOSE_MS) error.cause ??= closedEarly(own, peer);
  });
}

/** Gives a connection that the peer closes early, without an error, one: grpc-js then shows the reason instead of "Failed to connect". */
export function errorOnEarlyClose(socket: TLSSocket, own: SpiffeId, peer: SpiffeId): void {
  const openedAt = Date.now();
  socket.prependOnceListener('close', (hadError: boolean) => {
    if (hadError || Date.now() - openedAt > EARLY_CLOSE_MS || socket.listenerCount('error') === 0) return;
    const { message, hint } = closedEarly(own, peer);
    socket.emit('error', new EphemosError('ERR_CONNECT_FAILED', `${message}: ${hint}`));
  });
}

/** The cause of an error for a request that the peer closed on without an answer. */
export function closedEarly(own: SpiffeId, peer: SpiffeId): EphemosError {
  return new EphemosError('ERR_CONNECT_FAILED', `${peer} closed the connection before it answered`, {
    hint: `it may not authorize ${own}; its log says why`,
  });
}
