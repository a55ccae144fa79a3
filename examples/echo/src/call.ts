// Calls an echo server: over gRPC, or with a POST over HTTP.
import { Client } from '@grpc/grpc-js';
import { type ClientOptions, createFetch } from 'ephemos';
import { channelOptions, createChannelCredentials } from 'ephemos/grpc';
import { type EchoReply, echoService } from './echo.ts';

/** What an echo client is made of. */
export interface EchoClientOptions extends ClientOptions {
  /** `host:port` */
  readonly server: string;
  /** For each call, in milliseconds. */
  readonly timeout: number;
}

/** Something that is echoed to. */
export interface EchoClient extends AsyncDisposable {
  echo(message: string): Promise<EchoReply>;
}

/** A client with a connection of its own, by protocol. */
export const createEchoClient: Readonly<Record<'grpc' | 'http', (options: EchoClientOptions) => EchoClient>> = {
  grpc({ server, timeout, ...options }) {
    const client = new Client(server, createChannelCredentials(options), channelOptions);
    const { path, requestSerialize, responseDeserialize } = echoService.Echo;
    return {
      echo: (message) =>
        new Promise((resolve, reject) => {
          const deadline = Date.now() + timeout;
          client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { message }, { deadline }, (error, reply) => {
            if (error === null) resolve(parseReply(reply));
            else reject(error);
          });
        }),
      [Symbol.asyncDispose]: async () => client.close(),
    };
  },
  http({ server, timeout, ...options }) {
    const fetch = createFetch(options);
    return {
      async echo(message) {
        const response = await fetch(`https://${server}/echo`, { method: 'POST', body: message, signal: AbortSignal.timeout(timeout) });
        if (!response.ok) throw new Error(`the server answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
        return parseReply(await response.json());
      },
      [Symbol.asyncDispose]: () => fetch.close(),
    };
  },
};

function parseReply(value: unknown): EchoReply {
  if (typeof value === 'object' && value !== null && 'message' in value && 'caller' in value) {
    const { message, caller } = value;
    if (typeof message === 'string' && typeof caller === 'string') return { message, caller };
  }
  throw new TypeError('the server answered with something that is no echo');
}
