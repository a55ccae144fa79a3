// A server on a free port of the loopback that is gone at the end of the test, its connections included.
import type { Server as NetServer, Socket } from 'node:net';
import type { EphemosError } from 'ephemos';
import { isEphemosError } from 'ephemos';
import { next } from './events.ts';

export interface Listening<S extends NetServer> extends AsyncDisposable {
  readonly server: S;
  readonly port: number;
  readonly origin: string;
  /** The TCP connections that were accepted. */
  readonly accepted: readonly Socket[];
  /** Every refusal so far. */
  readonly refusals: readonly EphemosError[];
  /** The next refusal, or the first one when there is one already. */
  refusal(): Promise<EphemosError>;
}

export async function listening<S extends NetServer>(server: S): Promise<Listening<S>> {
  const accepted: Socket[] = [];
  const refusals: EphemosError[] = [];
  server.on('connection', (socket: Socket) => accepted.push(socket));
  server.on('tlsClientError', (error: unknown) => {
    if (isEphemosError(error)) refusals.push(error);
  });
  server.listen(0, '127.0.0.1');
  await next(server, 'listening');
  const port = portOf(server);
  return {
    server,
    port,
    origin: `https://127.0.0.1:${port}`,
    accepted,
    refusals,
    async refusal() {
      while (refusals[0] === undefined) await next(server, 'tlsClientError');
      return refusals[0];
    },
    async [Symbol.asyncDispose]() {
      const closed = server.listening ? next(server, 'close') : undefined;
      if (server.listening) server.close();
      for (const socket of accepted) socket.destroy();
      await closed;
    },
  };
}

export function portOf(server: NetServer): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server has no port');
  return address.port;
}
