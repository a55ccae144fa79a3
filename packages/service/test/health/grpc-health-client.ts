// The health service as the real gRPC library calls it, with the messages of the official proto.
import { type CallOptions, type ChannelCredentials, Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';

/** A client with a connection of its own. */
export interface GrpcHealthClient extends Disposable {
  /** Resolves with the serving status, rejects with the ServiceError. */
  check(name: string, options?: CallOptions): Promise<unknown>;
  list(): Promise<unknown>;
  watch(name: string): GrpcWatch;
}

/** A watch that is open. */
export interface GrpcWatch {
  /** Resolves with the next status. */
  next(): Promise<unknown>;
  /** Resolves with the gRPC status code that it ended with. */
  readonly ended: Promise<number>;
  cancel(): void;
}

export function createGrpcHealthClient(address: string, channel: ChannelCredentials = credentials.createInsecure()): GrpcHealthClient {
  const client = new Client(address, channel, { 'grpc.use_local_subchannel_pool': 1 });
  const { Check, Watch, List } = service;
  if (Check === undefined || Watch === undefined || List === undefined) throw new Error('the official proto has changed');

  return {
    check: (name, options = {}) =>
      new Promise((resolve, reject) => {
        const done = (error: ServiceError | null, answer?: { readonly status?: unknown }): void =>
          error === null ? resolve(answer?.status) : reject(error);
        client.makeUnaryRequest(Check.path, Check.requestSerialize, Check.responseDeserialize, { service: name }, options, done);
      }),
    list: () =>
      new Promise((resolve, reject) => {
        const done = (error: ServiceError | null, answer?: { readonly statuses?: unknown }): void =>
          error === null ? resolve(answer?.statuses) : reject(error);
        client.makeUnaryRequest(List.path, List.requestSerialize, List.responseDeserialize, {}, done);
      }),
    watch(name) {
      const call = client.makeServerStreamRequest(Watch.path, Watch.requestSerialize, Watch.responseDeserialize, { service: name });
      const arrived: unknown[] = [];
      const waiting: ((status: unknown) => void)[] = [];
      call.on('data', ({ status }: { readonly status: unknown }) => {
        const wait = waiting.shift();
        if (wait === undefined) arrived.push(status);
        else wait(status);
      });
      const ended = new Promise<number>((resolve) => {
        call.on('error', (error: ServiceError) => resolve(error.code));
        call.on('end', () => resolve(0));
      });
      return {
        next: () => (arrived.length > 0 ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve))),
        ended,
        cancel: () => call.cancel(),
      };
    },
    [Symbol.dispose]: () => client.close(),
  };
}
