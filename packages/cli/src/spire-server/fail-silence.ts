// A connection whose streams fail when they are closed before anything was answered. Node closes them without an error when the other side
// says GOAWAY and goes (Node 20 to 26), and connect-node would wait for an answer until the time is over.
import type { GrpcTransportOptions } from '@connectrpc/connect-node';

/** What connect-node sends calls over. */
export type SessionManager = NonNullable<GrpcTransportOptions['sessionManager']>;

/** Makes silence a failure. */
export function failSilence(manager: SessionManager): SessionManager {
  return {
    authority: manager.authority,
    async request(...args) {
      const stream = await manager.request(...args);
      let answered = false;
      stream.once('response', () => {
        answered = true;
      });
      stream.prependOnceListener('close', () => {
        if (!answered && !stream.errored) stream.emit('error', new Error('the connection ended before an answer came'));
      });
      return stream;
    },
    notifyResponseByteRead: (stream) => manager.notifyResponseByteRead(stream),
  };
}
