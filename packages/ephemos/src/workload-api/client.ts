// The Workload API client: an endpoint in, single fetches and endless watches of checked states out (SPIFFE_Workload_API.md sections 4 and 5).
import { connect } from 'node:net';
import { type CallOptions, type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { EphemosError } from '../errors.ts';
import type { X509BundleSet } from '../spiffe/x509-bundle-set.ts';
import { createBackoff } from './backoff.ts';
import { type Endpoint, resolveEndpoint } from './endpoint.ts';
import { readRpcError } from './rpc-error.ts';
import { SpiffeWorkloadAPI } from './workload_pb.ts';
import { parseX509Bundles, parseX509Context, type X509Context } from './x509-context.ts';

/** Largest message taken from the agent, in bytes: a thousand federated trust domains take about 1 MiB. */
export const MAX_MESSAGE_BYTES: number = 16 * 1024 * 1024;
/** How long a new stream may stay silent before it is given up, in milliseconds. An agent answers or refuses within a second or two. */
export const FIRST_MESSAGE_TIMEOUT_MS = 20_000;
// grpc-go ends connections that ping more often than every five minutes.
const PING_INTERVAL_MS = 6 * 60_000;

/** What a watch tells: a new state, or an attempt that failed. After an error the watch goes on by itself. */
export type WatchEvent<T> = { readonly type: 'update'; readonly value: T } | { readonly type: 'error'; readonly error: EphemosError };

/** Options of one call. */
export interface WorkloadApiCallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What {@link createWorkloadApiClient} takes. */
export interface WorkloadApiClientOptions {
  /** `unix:///absolute/path` or `tcp://<ip>:<port>`; without it SPIFFE_ENDPOINT_SOCKET. */
  readonly endpoint?: string | undefined;
  /** False lets the process end while a watch is open. Default true. */
  readonly keepsAlive?: boolean | undefined;
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

/** One server-streaming call and how its messages are read. */
interface Profile<M, T> {
  open(rpc: Client<typeof SpiffeWorkloadAPI>, options: CallOptions): AsyncIterable<M>;
  parse(message: M, previous: T | undefined): T;
}

const x509Contexts: Profile<Parameters<typeof parseX509Context>[0], X509Context> = {
  open: (rpc, options) => rpc.fetchX509SVID({}, options),
  parse: parseX509Context,
};

const x509Bundles: Profile<Parameters<typeof parseX509Bundles>[0], X509BundleSet> = {
  open: (rpc, options) => rpc.fetchX509Bundles({}, options),
  parse: parseX509Bundles,
};

/**
 * Makes a client. It dials when it is first used.
 * @throws {EphemosError} ERR_ENDPOINT_MISSING, ERR_ENDPOINT_INVALID
 */
export function createWorkloadApiClient(options: WorkloadApiClientOptions = {}): WorkloadApiClient {
  const endpoint = resolveEndpoint(options.endpoint);
  const keepsAlive = options.keepsAlive ?? true;
  const closed = new AbortController();

  async function fetch<M, T>(profile: Profile<M, T>, signal: AbortSignal | undefined): Promise<T> {
    const call = openCall(endpoint, keepsAlive, profile, [closed.signal, signal]);
    try {
      for await (const message of call.messages) return profile.parse(message, undefined);
    } catch (error) {
      throw readRpcError(error, endpoint);
    } finally {
      call.end();
    }
    throw streamEnded();
  }

  async function* watch<M, T>(profile: Profile<M, T>, signal: AbortSignal | undefined): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const backoff = createBackoff(keepsAlive);
    const stop = AbortSignal.any(signal === undefined ? [closed.signal] : [closed.signal, signal]);
    let value: T | undefined;
    while (!stop.aborted) {
      const call = openCall(endpoint, keepsAlive, profile, [stop]);
      let received = false;
      let failure = streamEnded();
      try {
        for await (const message of call.messages) {
          const event = readMessage(profile, message, value);
          if (event.type === 'update') {
            value = event.value;
            received = true;
            backoff.reset();
          }
          yield event;
        }
      } catch (error) {
        if (stop.aborted) return;
        failure = readRpcError(error, endpoint);
        received = false;
        if (failure.code === 'ERR_WORKLOAD_API_INVALID_ARGUMENT' || failure.code === 'ERR_WORKLOAD_API_UNIMPLEMENTED') throw failure;
      } finally {
        call.end();
      }
      yield { type: 'error', error: failure };
      // Section 4.2: a stream that ended in order is opened again at once. One that told nothing would be a busy loop.
      if (!received) await backoff.wait(stop).catch(() => undefined);
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

// The authority must be "localhost" on a unix socket: many gRPC servers refuse anything else.
const BASE_URL = 'http://localhost';

function createSessions(endpoint: Endpoint, keepsAlive: boolean): Http2SessionManager {
  return new LocalhostSessions(
    BASE_URL,
    { pingIntervalMs: PING_INTERVAL_MS },
    {
      createConnection() {
        const socket = endpoint.scheme === 'unix' ? connect(endpoint.path) : connect(endpoint.port, endpoint.host);
        if (!keepsAlive) {
          socket.unref();
          // connect-node holds the process while a stream is open; a source must not.
          socket.ref = () => socket;
        }
        return socket;
      },
    },
  );
}

// Node would send "localhost:80".
class LocalhostSessions extends Http2SessionManager {
  override request(
    ...[method, path, headers, options]: Parameters<Http2SessionManager['request']>
  ): ReturnType<Http2SessionManager['request']> {
    return super.request(method, path, { ...headers, ':authority': 'localhost' }, options);
  }
}

interface Call<M> {
  readonly messages: AsyncIterable<M>;
  end(): void;
}

// Each call has a connection of its own, so that what went wrong with one is gone with it, and nothing is left open after it.
function openCall<M, T>(
  endpoint: Endpoint,
  keepsAlive: boolean,
  profile: Profile<M, T>,
  signals: readonly (AbortSignal | undefined)[],
): Call<M> {
  const sessions = createSessions(endpoint, keepsAlive);
  const transport = createGrpcTransport({ baseUrl: BASE_URL, sessionManager: sessions, readMaxBytes: MAX_MESSAGE_BYTES });
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, ...signals.filter((given) => given !== undefined)]);
  const messages = profile.open(createClient(SpiffeWorkloadAPI, transport), { headers: { 'workload.spiffe.io': 'true' }, signal });
  return {
    messages: withFirstMessageTimeout(messages, ended),
    end() {
      ended.abort();
      sessions.abort();
    },
  };
}

async function* withFirstMessageTimeout<M>(messages: AsyncIterable<M>, ended: AbortController): AsyncGenerator<M, void, undefined> {
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    ended.abort();
  }, FIRST_MESSAGE_TIMEOUT_MS).unref();
  try {
    for await (const message of messages) {
      clearTimeout(timer);
      yield message;
    }
  } catch (error) {
    if (!silent) throw error;
    throw new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', `the Workload API did not answer within ${FIRST_MESSAGE_TIMEOUT_MS / 1000} s`, {
      hint: 'the agent accepts connections but hangs; see its log',
    });
  } finally {
    clearTimeout(timer);
  }
}

function readMessage<M, T>(profile: Profile<M, T>, message: M, previous: T | undefined): WatchEvent<T> {
  try {
    return { type: 'update', value: profile.parse(message, previous) };
  } catch (error) {
    if (error instanceof EphemosError) return { type: 'error', error };
    throw error;
  }
}

function streamEnded(): EphemosError {
  return new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', 'the Workload API ended the stream');
}
