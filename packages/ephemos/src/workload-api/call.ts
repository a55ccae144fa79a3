// One call of the Workload API: a method in, its messages out. It is given up when the first message does not come, and leaves nothing open.
import { type CallOptions, type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { EphemosError } from '../errors.ts';
import { BASE_URL, createConnection } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import { SpiffeWorkloadAPI } from './workload_pb.ts';

/** Largest message taken from the agent, in bytes: a thousand federated trust domains take about 1 MiB. */
export const MAX_MESSAGE_BYTES: number = 16 * 1024 * 1024;
// setTimeout takes no more, and 25 days are for ever.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Sends one server-streaming method. */
export type Method<M> = (rpc: Client<typeof SpiffeWorkloadAPI>, options: CallOptions) => AsyncIterable<M>;

/** Where a call goes and what ends it. */
export interface CallTarget {
  readonly endpoint: Endpoint;
  readonly keepsAlive: boolean;
  /** How long it may stay silent before its first message, in milliseconds. */
  readonly timeout: number;
  readonly signals: readonly AbortSignal[];
}

/** A call that was sent. */
export interface Call<M> {
  readonly messages: AsyncIterable<M>;
  end(): void;
}

/** Sends a method, with the header that every call has to carry (SPIFFE_Workload_Endpoint.md section 3). */
export function openCall<M>(method: Method<M>, { endpoint, keepsAlive, timeout, signals }: CallTarget): Call<M> {
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, ...signals]);
  const sessionManager = createConnection(endpoint, { signal, keepsAlive });
  const transport = createGrpcTransport({ baseUrl: BASE_URL, sessionManager, readMaxBytes: MAX_MESSAGE_BYTES });
  const messages = method(createClient(SpiffeWorkloadAPI, transport), { headers: { 'workload.spiffe.io': 'true' }, signal });
  return { messages: withTimeout(messages, timeout, ended), end: () => ended.abort() };
}

async function* withTimeout<M>(messages: AsyncIterable<M>, timeout: number, ended: AbortController): AsyncGenerator<M, void, undefined> {
  let silent = false;
  const timer = timeout > LONGEST_TIMER_MS ? undefined : setTimeout(giveUp, timeout).unref();
  function giveUp(): void {
    silent = true;
    ended.abort();
  }
  try {
    for await (const message of messages) {
      clearTimeout(timer);
      yield message;
    }
  } catch (error) {
    if (!silent) throw error;
    throw new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', `the Workload API did not answer within ${timeout / 1000} s`, {
      hint: 'the agent accepts connections but hangs; see its log',
    });
  } finally {
    clearTimeout(timer);
  }
}
