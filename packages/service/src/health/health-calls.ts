// grpc.health.v1.Health on one HTTP/2 stream, without a gRPC library: the same for the plaintext port and the mTLS port.
import type { Buffer } from 'node:buffer';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { ProbeName } from './check.ts';
import { encodeMessage, failure, type GrpcFailure, grpcStatus, readMessage, trailersOf } from './grpc-message.ts';
import type { Health } from './health.ts';
import { HealthCheckRequestSchema, HealthCheckResponseSchema, HealthListRequestSchema, HealthListResponseSchema } from './health_pb.ts';
import { ignoreRest } from './ignore-rest.ts';

/** Longest request, in bytes: the name of a service. */
export const MAX_REQUEST_BYTES = 1_024;
/** How long a call may take, a watch until its first answer, in milliseconds. */
export const CALL_TIMEOUT_MS = 5_000;
/** Every path of the service starts with it. */
export const HEALTH_SERVICE_PATH = '/grpc.health.v1.Health/';

/** What a response says (health.proto). */
export const servingStatus = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

/** What {@link createHealthCalls} takes. */
export interface HealthCallsOptions {
  readonly health: Health;
  /** Names of gRPC services that are as ready as the process. `''`, `readiness`, `liveness` and `startup` are always known. */
  readonly services?: (() => Iterable<string>) | undefined;
  /** Watches that may be open at once; default 1,000. */
  readonly maxWatches?: number | undefined;
}

/** Whoever answers the calls of one port. */
export interface HealthCalls {
  /** Answers a gRPC call; one for another service than the health service is UNIMPLEMENTED. The caller has looked at its content type. */
  answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void;
  /** Ends the watches, which their callers would keep open for ever, with UNAVAILABLE. From then on every watch ends so. */
  close(): void;
}

const probes: ReadonlyMap<string, ProbeName> = new Map([
  ['', 'ready'],
  ['readiness', 'ready'],
  ['liveness', 'live'],
  ['startup', 'startup'],
]);

/** Makes the health service. */
export function createHealthCalls({ health, services = () => [], maxWatches = 1_000 }: HealthCallsOptions): HealthCalls {
  const watches = new Set<() => void>();
  let closed = false;

  function statusOf(service: string): number | undefined {
    const probe = probes.get(service) ?? ([...services()].includes(service) ? 'ready' : undefined);
    if (probe === undefined) return undefined;
    return health.probe(probe).ok ? servingStatus.SERVING : servingStatus.NOT_SERVING;
  }

  function check(stream: ServerHttp2Stream, message: Uint8Array): void {
    const status = statusOf(fromBinary(HealthCheckRequestSchema, message).service);
    if (status === undefined) return fail(stream, failure(grpcStatus.notFound, 'there is no such service'));
    begin(stream, { code: grpcStatus.ok, message: '' }).end(encodeStatus(status));
  }

  function list(stream: ServerHttp2Stream, message: Uint8Array): void {
    fromBinary(HealthListRequestSchema, message);
    const names = new Set([...probes.keys(), ...services()]);
    const statuses = Object.fromEntries([...names].map((name) => [name, responseOf(statusOf(name) ?? servingStatus.UNKNOWN)]));
    const response = toBinary(HealthListResponseSchema, create(HealthListResponseSchema, { statuses }));
    begin(stream, { code: grpcStatus.ok, message: '' }).end(encodeMessage(response));
  }

  function watch(stream: ServerHttp2Stream, message: Uint8Array): void {
    const { service } = fromBinary(HealthCheckRequestSchema, message);
    if (closed) return fail(stream, goingAway);
    if (watches.size >= maxWatches) return fail(stream, failure(grpcStatus.resourceExhausted, `there are ${maxWatches} watches already`));
    begin(stream, goingAway);
    let told: number | undefined;
    // A caller that does not read is told the newest status when it does, and nothing in between.
    let full = false;
    const tell = (): void => {
      const status = statusOf(service) ?? servingStatus.SERVICE_UNKNOWN;
      if (full || status === told || !stream.writable) return;
      told = status;
      full = !stream.write(encodeStatus(status));
    };
    const end = (): void => void stream.end();
    const forget = health.onChange(tell);
    watches.add(end);
    stream.on('drain', () => {
      full = false;
      tell();
    });
    stream.once('close', () => {
      forget();
      watches.delete(end);
    });
    tell();
  }

  const methods: Readonly<Record<string, (stream: ServerHttp2Stream, message: Uint8Array) => void>> = {
    Check: check,
    List: list,
    Watch: watch,
  };

  return {
    answer(stream, { ':path': path = '' }) {
      // A stream that breaks is nobody's fault here, and closes.
      stream.on('error', () => undefined);
      const name = path.startsWith(HEALTH_SERVICE_PATH) ? path.slice(HEALTH_SERVICE_PATH.length) : '';
      const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
      if (method === undefined) return fail(stream, failure(grpcStatus.unimplemented, 'there is only grpc.health.v1.Health here'));
      const timer = setTimeout(() => giveUp(stream), CALL_TIMEOUT_MS).unref();
      stream.once('close', () => clearTimeout(timer));
      readMessage(stream, MAX_REQUEST_BYTES, (request) => {
        if (stream.destroyed || stream.closed) return;
        if (!(request instanceof Uint8Array)) return fail(stream, request);
        if (method === watch) clearTimeout(timer);
        answerWith(method, stream, request);
      });
    },
    close() {
      closed = true;
      for (const end of [...watches]) end();
    },
  };
}

const goingAway: GrpcFailure = failure(grpcStatus.unavailable, 'the server is shutting down');

function answerWith(
  method: (stream: ServerHttp2Stream, message: Uint8Array) => void,
  stream: ServerHttp2Stream,
  request: Uint8Array,
): void {
  try {
    method(stream, request);
  } catch {
    if (!stream.headersSent) fail(stream, failure(grpcStatus.internal, 'the message is malformed'));
    else stream.close();
  }
}

// The request does not arrive, or the answer is not taken.
function giveUp(stream: ServerHttp2Stream): void {
  if (stream.headersSent) stream.destroy();
  else fail(stream, failure(grpcStatus.deadlineExceeded, `a call may take ${CALL_TIMEOUT_MS} ms`));
}

// Opens the answer; the trailers follow what is written.
function begin(stream: ServerHttp2Stream, end: GrpcFailure): ServerHttp2Stream {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers(trailersOf(end)));
  return stream;
}

// The whole answer in one header block, as gRPC's "Trailers-Only".
function fail(stream: ServerHttp2Stream, status: GrpcFailure): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailersOf(status) }, { endStream: true });
  ignoreRest(stream);
}

function encodeStatus(status: number): Buffer {
  return encodeMessage(toBinary(HealthCheckResponseSchema, responseOf(status)));
}

function responseOf(status: number) {
  return create(HealthCheckResponseSchema, { status });
}
