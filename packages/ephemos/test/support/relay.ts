// A TCP relay in front of a server that holds bytes back or changes them: what an attacker on the wire, or bad luck, can do.
import { createServer, connect as netConnect, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { type Listening, listening } from './listening.ts';

export interface RelayOptions {
  /** Nothing goes to the server before. */
  readonly toServer?: Promise<void> | undefined;
  /** Nothing goes to the client before. */
  readonly toClient?: Promise<void> | undefined;
  /** Changes what goes to the client. */
  readonly alter?: ((chunk: Buffer) => Buffer) | undefined;
  /** Told when the server has been reached. */
  readonly onConnect?: (() => void) | undefined;
}

export function openRelay(port: number, options: RelayOptions = {}): Promise<Listening<ReturnType<typeof createServer>>> {
  const { toServer = Promise.resolve(), toClient = Promise.resolve(), alter = (chunk) => chunk, onConnect = () => undefined } = options;
  const server = createServer((client) => {
    const back: Socket = netConnect(port, '127.0.0.1', onConnect);
    const altered = new Transform({ transform: (chunk: Buffer, _encoding, done) => done(null, alter(chunk)) });
    for (const [one, other] of [
      [client, back],
      [back, client],
    ] as const) {
      one.on('error', () => other.destroy()).on('close', () => other.destroySoon());
    }
    void toServer.then(() => client.pipe(back));
    void toClient.then(() => back.pipe(altered).pipe(client));
  });
  return listening(server);
}
