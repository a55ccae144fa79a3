// The Workload API client: an endpoint in, single fetches and endless watches of checked states out (SPIFFE_Workload_API.md sections 4 and 5).
import { EphemosError, isEphemosError } from '../errors.ts';
import type { X509BundleSet } from '../spiffe/x509-bundle-set.ts';
import { createBackoff } from './backoff.ts';
import { type Method, openCall } from './call.ts';
import { type Endpoint, resolveEndpoint } from './endpoint.ts';
import { readRpcError } from './rpc-error.ts';
import type { X509BundlesResponse, X509SVIDResponse } from './workload_pb.ts';
import { parseX509Bundles, parseX509Context, type X509Context } from './x509-context.ts';

/** How long a new stream may stay silent before it is given up, in milliseconds. An agent answers or refuses within a second or two. */
export const FIRST_MESSAGE_TIMEOUT_MS = 20_000;
/** A stream that ended in order is opened again at once, but not more often than this, in milliseconds. */
export const REOPEN_INTERVAL_MS = 1_000;

/** What a watch tells: a new state, or a message or an attempt that failed. After an error the watch goes on by itself. */
export type WatchEvent<T> =
  | { readonly type: 'update'; readonly value: T }
  | {
      readonly type: 'error';
      readonly error: EphemosError;
      /** True when the stream still stands: one message of it was refused. */
      readonly connected?: boolean | undefined;
    };

/** Options of one call. */
export interface WorkloadApiCallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What {@link createWorkloadApiClient} takes. */
export interface WorkloadApiClientOptions {
  /** `unix:///absolute/path` or `tcp://<ip>:<port>`; without it SPIFFE_ENDPOINT_SOCKET. */
  readonly endpoint?: string | undefined;
  /** False lets the process end while a watch is open. Default true. A fetch keeps it alive always. */
  readonly keepsAlive?: boolean | undefined;
  /** How long a call may stay silent before its first message, in milliseconds; default 20,000, `Infinity` allowed. */
  readonly timeout?: number | undefined;
}

/** The raw client. Most services want openX509Source instead. */
export interface WorkloadApiClient extends AsyncDisposable {
  readonly endpoint: Endpoint;
  /** The current identities and bundles: one call, no retry. */
  fetchX509Context(options?: WorkloadApiCallOptions): Promise<X509Context>;
  /** The current bundles: one call, no retry. */
  fetchX509Bundles(options?: WorkloadApiCallOptions): Promise<X509BundleSet>;
  /**
   * Every new state, through restarts of the agent, until the signal is aborted or the loop is left.
   * Ends with an error only where the specification says not to retry: InvalidArgument and Unimplemented.
   */
  watchX509Contexts(options?: WorkloadApiCallOptions): AsyncIterable<WatchEvent<X509Context>>;
  watchX509Bundles(options?: WorkloadApiCallOptions): AsyncIterable<WatchEvent<X509BundleSet>>;
  close(): Promise<void>;
}

/** One method and how its messages are read. */
interface Profile<M, T> {
  readonly method: Method<M>;
  readonly parse: (message: M, previous: T | undefined) => T;
}

const x509Contexts: Profile<X509SVIDResponse, X509Context> = {
  method: (rpc, options) => rpc.fetchX509SVID({}, options),
  parse: parseX509Context,
};

const x509Bundles: Profile<X509BundlesResponse, X509BundleSet> = {
  method: (rpc, options) => rpc.fetchX509Bundles({}, options),
  parse: parseX509Bundles,
};

/**
 * Makes a client. It dials when it is first used.
 * @throws {EphemosError} ERR_ENDPOINT_MISSING, ERR_ENDPOINT_INVALID, ERR_OPTION_INVALID
 */
export function createWorkloadApiClient(options: WorkloadApiClientOptions = {}): WorkloadApiClient {
  const { keepsAlive = true, timeout = FIRST_MESSAGE_TIMEOUT_MS } = options;
  const endpoint = resolveEndpoint(options.endpoint);
  if (Number.isNaN(timeout) || timeout <= 0) {
    throw new EphemosError('ERR_OPTION_INVALID', 'timeout must be a positive number of milliseconds or Infinity');
  }
  const closed = new AbortController();

  async function fetch<M, T>({ method, parse }: Profile<M, T>, signal: AbortSignal | undefined): Promise<T> {
    const signals = signal === undefined ? [closed.signal] : [closed.signal, signal];
    const call = openCall(method, { endpoint, keepsAlive: true, timeout, signals });
    try {
      for await (const message of call.messages) return parse(message, undefined);
    } catch (error) {
      if (!isEphemosError(error) && signals.some(({ aborted }) => aborted)) throw callAborted(closed.signal.aborted, signal);
      throw readRpcError(error, endpoint);
    } finally {
      call.end();
    }
    throw streamEnded();
  }

  async function* watch<M, T>(
    { method, parse }: Profile<M, T>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const backoff = createBackoff(keepsAlive);
    const stop = AbortSignal.any(signal === undefined ? [closed.signal] : [closed.signal, signal]);
    let value: T | undefined;
    let reopenedAt = Number.NEGATIVE_INFINITY;
    while (!stop.aborted) {
      const call = openCall(method, { endpoint, keepsAlive, timeout, signals: [stop] });
      let received = false;
      let failure = streamEnded();
      try {
        for await (const message of call.messages) {
          const event = readMessage(parse, message, value);
          if (event.type === 'update') {
            value = event.value;
            received = true;
            backoff.reset();
          }
          yield event;
        }
      } catch (error) {
        failure = readRpcError(error, endpoint);
        received = false;
      } finally {
        call.end();
      }
      if (stop.aborted) return;
      if (failure.code === 'ERR_WORKLOAD_API_INVALID_ARGUMENT' || failure.code === 'ERR_WORKLOAD_API_UNIMPLEMENTED') throw failure;
      yield { type: 'error', error: failure, connected: false };
      // Section 4.2: a stream that ended in order is opened again at once. One that told nothing, or does so again and again, would be a busy loop.
      if (received && performance.now() - reopenedAt >= REOPEN_INTERVAL_MS) reopenedAt = performance.now();
      else await backoff.wait(stop).catch(() => undefined);
    }
  }

  return {
    endpoint,
    fetchX509Context: (call) => fetch(x509Contexts, call?.signal),
    fetchX509Bundles: (call) => fetch(x509Bundles, call?.signal),
    watchX509Contexts: (call) => watch(x509Contexts, call?.signal),
    watchX509Bundles: (call) => watch(x509Bundles, call?.signal),
    close,
    [Symbol.asyncDispose]: close,
  };

  async function close(): Promise<void> {
    closed.abort();
  }
}

function readMessage<M, T>(parse: Profile<M, T>['parse'], message: M, previous: T | undefined): WatchEvent<T> {
  try {
    return { type: 'update', value: parse(message, previous) };
  } catch (error) {
    if (isEphemosError(error)) return { type: 'error', error, connected: true };
    throw error;
  }
}

function streamEnded(): EphemosError {
  return new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', 'the Workload API ended the stream');
}

function callAborted(closed: boolean, signal: AbortSignal | undefined): EphemosError {
  if (closed) return new EphemosError('ERR_CONNECT_ABORTED', 'the Workload API client was closed');
  return new EphemosError('ERR_CONNECT_ABORTED', 'the call to the Workload API was ended by its signal', { cause: signal?.reason });
}
