// A small gRPC service with JSON messages: unary, server streaming and bidirectional, each answer with the caller's SPIFFE ID.
import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { peerOf } from 'ephemos/grpc';

export interface Message {
  readonly text: string;
}

const serialize = (message: Message): Buffer => Buffer.from(JSON.stringify(message));
function deserialize(bytes: Buffer): Message {
  const message: Message = JSON.parse(bytes.toString());
  return message;
}

/** A method of test.Echo whose messages are JSON. */
export function jsonMethod(name: string, requestStream: boolean, responseStream: boolean): ServiceDefinition[string] {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

export interface EchoServer {
  readonly server: Server;
  /** The calls that arrived, by text. */
  readonly served: string[];
  /** Answers the calls whose text begins with "slow". */
  finish(): void;
  /** Resolves when this many calls have arrived. */
  arrived(count: number): Promise<void>;
}

/** @param callerOf says who calls; ours by default */
export function createEchoServer(callerOf: (call: object) => string = (call) => String(peerOf(call).id)): EchoServer {
  const served: string[] = [];
  const slow = new Set<() => void>();
  const watchers = new Set<() => void>();
  const server = new Server();
  function arrive(text: string): void {
    served.push(text);
    for (const watcher of watchers) watcher();
  }
  server.addService(
    { echo: jsonMethod('Echo', false, false), count: jsonMethod('Count', false, true), chat: jsonMethod('Chat', true, true) },
    {
      echo(call: ServerUnaryCall<Message, Message>, done: sendUnaryData<Message>) {
        const answer = (): void => done(null, { text: `${call.request.text} from ${callerOf(call)}` });
        if (call.request.text.startsWith('slow')) slow.add(answer);
        else answer();
        arrive(call.request.text);
      },
      count(call: ServerWritableStream<Message, Message>) {
        arrive(call.request.text);
        for (let number = 1; number <= Number(call.request.text); number += 1) call.write({ text: `${number} for ${callerOf(call)}` });
        call.end();
      },
      chat(call: ServerDuplexStream<Message, Message>) {
        arrive('chat');
        call.on('error', () => undefined);
        call.on('data', ({ text }: Message) => call.write({ text: `${text} from ${callerOf(call)}` }));
        call.on('end', () => call.end());
      },
    },
  );
  return {
    server,
    served,
    finish() {
      for (const answer of slow) answer();
      slow.clear();
    },
    arrived: (count) =>
      new Promise((resolve) => {
        function check(): void {
          if (served.length < count) return;
          watchers.delete(check);
          resolve();
        }
        watchers.add(check);
        check();
      }),
  };
}

export interface EchoClient extends Disposable {
  readonly client: Client;
  echo(text: string, options?: CallOptions): Promise<string>;
  count(to: number): Promise<readonly string[]>;
  chat(): ClientDuplexStream<Message, Message>;
}

export function createEchoClient(address: string, credentials: ChannelCredentials, options?: ChannelOptions): EchoClient {
  const client = new Client(address, credentials, options);
  return {
    client,
    echo(text, callOptions = { deadline: Date.now() + 10_000 }) {
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          '/test.Echo/Echo',
          serialize,
          deserialize,
          { text },
          new Metadata(),
          callOptions,
          (error: ServiceError | null, answer?: Message) => (error === null ? resolve(answer?.text ?? '') : reject(error)),
        );
      });
    },
    async count(to) {
      const stream: ClientReadableStream<Message> = client.makeServerStreamRequest('/test.Echo/Count', serialize, deserialize, {
        text: String(to),
      });
      const texts: string[] = [];
      for await (const message of stream) texts.push(String(message.text));
      return texts;
    },
    chat: () => client.makeBidiStreamRequest('/test.Echo/Chat', serialize, deserialize),
    [Symbol.dispose]: () => client.close(),
  };
}
