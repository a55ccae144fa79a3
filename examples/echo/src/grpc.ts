// The echo over gRPC: proto/ephemos/echo/v1/echo.proto, and the standard health service next to it.
import { fileURLToPath } from 'node:url';
import { Client, Server, type ServerUnaryCall, type ServerWritableStream, type sendUnaryData } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { createChannelCredentials, peerOf } from 'ephemos/grpc';
import { HealthImplementation } from 'grpc-health-check';
import { type EchoClient, type EchoClientOptions, type EchoReply, parseReply } from './echo.ts';

const protoFile = fileURLToPath(new URL('../proto/ephemos/echo/v1/echo.proto', import.meta.url));
const serviceName = 'ephemos.echo.v1.Echo';
const methods = loadService();

function loadService(): { readonly Echo: MethodDefinition<object, object> } {
  const definition = loadSync(protoFile, { defaults: true })[serviceName];
  const method = definition === undefined || 'format' in definition ? undefined : definition['Echo'];
  if (method === undefined) throw new Error(`${protoFile} does not define ${serviceName}`);
  return { Echo: method };
}

/** A gRPC server with the two services; it needs a listener in front of it. */
export interface EchoServer {
  readonly server: Server;
  setServing(serving: boolean): void;
  /** Ends the health watches, which their clients keep open for ever. */
  endWatches(): void;
}

/** Makes the gRPC server. */
export function createEchoServer(): EchoServer {
  const server = new Server();
  server.addService(methods, {
    Echo(call: ServerUnaryCall<{ readonly message: string }, EchoReply>, callback: sendUnaryData<EchoReply>) {
      callback(null, { message: call.request.message, caller: peerOf(call).id.toString() });
    },
  });
  const health = new HealthImplementation();
  const watches = new Set<ServerWritableStream<unknown, unknown>>();
  health.addToServer({
    addService(definition, implementation) {
      const { watch } = implementation;
      server.addService(definition, {
        ...implementation,
        watch(call: ServerWritableStream<unknown, unknown>) {
          watches.add(call);
          call.once('cancelled', () => watches.delete(call));
          if (watch !== undefined) Reflect.apply(watch, implementation, [call]);
        },
      });
    },
  });

  return {
    server,
    setServing(serving) {
      for (const name of ['', serviceName]) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
    },
    endWatches() {
      for (const call of watches) call.end();
    },
  };
}

/** A client with one channel. */
export function createGrpcEcho({ server, timeout, ...options }: EchoClientOptions): EchoClient {
  const client = new Client(server, createChannelCredentials(options));
  const { path, requestSerialize, responseDeserialize } = methods.Echo;
  return {
    echo: (message) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          { message },
          { deadline: Date.now() + timeout },
          (error, reply) => {
            if (error === null) resolve(parseReply(reply));
            else reject(error);
          },
        );
      }),
    close: async () => client.close(),
  };
}
