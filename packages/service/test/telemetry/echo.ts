// A small gRPC service with text messages: one call that is answered at once, one that streams both ways, and one that fails as it is told to.
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type Interceptor,
  Metadata,
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js';

const serialize = (text: string): Buffer => Buffer.from(text);
const deserialize = (bytes: Buffer): string => bytes.toString();

function method(name: string, stream: boolean): ServiceDefinition[string] {
  return {
    path: `/test.Echo/${name}`,
    requestStream: stream,
    responseStream: stream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

/** What the service does with each text. A number is the status that the call fails with. */
export type Answer = (text: string, metadata: Metadata) => Promise<string | number> | string | number;

export function createEchoServer(answer: Answer): Server {
  const server = new Server();
  server.addService(
    { echo: method('Echo', false), chat: method('Chat', true) },
    {
      async echo(call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) {
        const text = await answer(call.request, call.metadata);
        if (typeof text === 'number') done({ code: text, details: 'as told' });
        else done(null, text);
      },
      chat(call: ServerDuplexStream<string, string>) {
        call.on('error', () => undefined);
        call.on('data', async (text: string) => call.write(String(await answer(text, call.metadata))));
        call.on('end', () => call.end());
      },
    },
  );
  return server;
}

export interface EchoOptions {
  readonly path?: string;
  readonly metadata?: Metadata;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

export interface EchoClient extends Disposable {
  echo(text: string, options?: EchoOptions): Promise<string>;
  chat(): ClientDuplexStream<string, string>;
}

export function createEchoClient(address: string, credentials: ChannelCredentials, interceptors: Interceptor[] = []): EchoClient {
  const client = new Client(address, credentials, { interceptors });
  return {
    echo: (text, { path = '/test.Echo/Echo', metadata = new Metadata(), signal } = {}) =>
      new Promise((resolve, reject) => {
        const done = (error: ServiceError | null, answered?: string): void => (error === null ? resolve(answered ?? '') : reject(error));
        const call = client.makeUnaryRequest(path, serialize, deserialize, text, metadata, done);
        signal?.addEventListener('abort', () => call.cancel());
      }),
    chat: () => client.makeBidiStreamRequest('/test.Echo/Chat', serialize, deserialize),
    [Symbol.dispose]: () => client.close(),
  };
}
