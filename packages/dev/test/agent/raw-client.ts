// A Workload API client that checks nothing: it shows what is on the wire.
import { connect } from 'node:net';
import { type CallOptions, type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { SpiffeWorkloadAPI, type X509SVIDResponse } from 'ephemos/workload-api';

/** The generated client on a unix socket. */
export function createRawClient(endpoint: string): Client<typeof SpiffeWorkloadAPI> {
  const path = decodeURIComponent(new URL(endpoint).pathname);
  return createClient(
    SpiffeWorkloadAPI,
    createGrpcTransport({ baseUrl: 'http://localhost', nodeOptions: { createConnection: () => connect(path) } }),
  );
}

/** An open stream, read message by message. */
export interface RawStream<T> extends AsyncDisposable {
  /** The next message; fails with a ConnectError, or with a RangeError when the stream has ended in order. */
  next(): Promise<T>;
}

/** Opens FetchX509SVID with the security header. */
export function openSvidStream(endpoint: string, options: CallOptions = {}): RawStream<X509SVIDResponse> {
  return openStream((call) =>
    createRawClient(endpoint).fetchX509SVID({}, { headers: { 'workload.spiffe.io': 'true' }, ...call, ...options }),
  );
}

/** Opens any server stream. */
export function openStream<T>(call: (options: CallOptions) => AsyncIterable<T>): RawStream<T> {
  const stop = new AbortController();
  const iterator = call({ signal: stop.signal })[Symbol.asyncIterator]();
  return {
    async next() {
      const result = await iterator.next();
      if (result.done) throw new RangeError('the stream has ended');
      return result.value;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await iterator.next().catch(() => undefined);
    },
  };
}

/** The gRPC code a call fails with. */
export async function codeOf(call: Promise<unknown>): Promise<keyof typeof Code> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConnectError)) throw new TypeError('the call did not fail with a gRPC status', { cause: error });
  for (const [name, code] of Object.entries(Code)) if (code === error.code && isCodeName(name)) return name;
  throw new TypeError('the gRPC code is unknown');
}

function isCodeName(name: string): name is keyof typeof Code {
  return name in Code;
}
