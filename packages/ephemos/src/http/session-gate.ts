// The second gate of an HTTP/2 session, whoever serves it: streams are refused, limited and intercepted before its own listeners see them.
import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { LiveConnection } from '../tls/live-connection.ts';
import { announcesMore, limitBody } from './body-limit.ts';
import { dropFromRaw, isIdentityHeader } from './identity-headers.ts';
import { keepContext } from './keep-context.ts';
import type { RequestGate } from './request-gate.ts';
import type { RequestOptions } from './request-options.ts';
import { sayGoodbye } from './say-goodbye.ts';
import { ServedStream } from './served-request.ts';

const GRPC_INVALID_ARGUMENT = 3;
const GRPC_PERMISSION_DENIED = 7;

/** Answers a stream itself and says so with true. */
export type AnswerCall = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;

/** What is served on a session, and by which rules. */
export interface SessionGateOptions extends RequestOptions {
  readonly answerCall?: AnswerCall | undefined;
  readonly gate: RequestGate;
  readonly protocol: 'http' | 'grpc';
}

/** Puts the second gate in front of a session. Whatever listens for 'stream' on it hears of admitted requests alone. */
export function gateSession(session: ServerHttp2Session, connection: LiveConnection, options: SessionGateOptions): void {
  const {
    gate,
    protocol,
    intercept,
    keepContext: keeps = true,
    answerCall,
    stallTimeout,
    maxBodyBytes = Infinity,
    maxRequestsPerConnection = Infinity,
  } = options;
  const emit = session.emit.bind(session);
  let requests = 0;
  Object.assign(session, {
    emit(event: string | symbol, ...args: unknown[]): boolean {
      const [stream, headers] = args;
      if (event !== 'stream' || !isStream(stream) || !isHeaders(headers)) return Reflect.apply(emit, session, [event, ...args]);
      requests += 1;
      if (requests === maxRequestsPerConnection) sayGoodbye(session);
      if (!passes(stream, headers)) return true;
      if (stallTimeout !== undefined) endWhenStalled(stream, stallTimeout);
      dropIdentity(headers, args[3]);
      const next = (): void => {
        if (answerCall?.(stream, headers) !== true) Reflect.apply(emit, session, [event, ...args]);
      };
      if (intercept === undefined) next();
      else
        intercept(new ServedStream(protocol, connection, stream, headers), () => {
          if (keeps) keepContext([stream]);
          next();
        });
      return true;
    },
  });

  function passes(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const { ':method': method = '', ':path': path = '' } = headers;
    const refusal =
      protocol === 'grpc'
        ? gate.judgeGrpc(connection, textOf(path))
        : gate.judgeHttp(connection, { method: textOf(method), url: textOf(path), headers });
    if (refusal !== undefined) {
      if (protocol === 'grpc')
        refuseCall(stream, refusal.status === 400 ? GRPC_INVALID_ARGUMENT : GRPC_PERMISSION_DENIED, refusal.error.message);
      else answer(stream, refusal.status);
      return false;
    }
    // gRPC bounds its messages by itself: a stream of them has no length.
    if (protocol === 'grpc' || maxBodyBytes === Infinity) return true;
    if (announcesMore(headers['content-length'], maxBodyBytes)) {
      answer(stream, 413);
      return false;
    }
    limitBody(stream, maxBodyBytes, () => {
      if (!stream.headersSent) answer(stream, 413);
      else stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    });
    return true;
  }
}

// A stream may be silent for as long as it likes; one whose client takes nothing holds what was written to it.
function endWhenStalled(stream: ServerHttp2Stream, timeout: number): void {
  stream.setTimeout(timeout, () => void (stream.writableLength > 0 && stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)));
}

function answer(stream: ServerHttp2Stream, status: number): void {
  stream.on('error', () => undefined).respond({ ':status': status, 'content-length': '0' }, { endStream: true });
  ignoreRest(stream);
}

function refuseCall(stream: ServerHttp2Stream, status: number, message: string): void {
  stream
    .on('error', () => undefined)
    .respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(status), 'grpc-message': encodeURIComponent(message) },
      { endStream: true },
    );
  ignoreRest(stream);
}

// What of the body is on its way is for nobody. Closed in the same turn, the stream would take its answer with it (Node 22 and 26).
function ignoreRest(stream: ServerHttp2Stream): void {
  stream.resume();
  setImmediate(() => void (!stream.readableEnded && stream.close(constants.NGHTTP2_NO_ERROR)));
}

function dropIdentity(headers: IncomingHttpHeaders, raw: unknown): void {
  for (const name in headers) if (isIdentityHeader(name)) delete headers[name];
  if (isTexts(raw)) dropFromRaw(raw);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function textOf(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : '';
}

function isStream(value: unknown): value is ServerHttp2Stream {
  return typeof value === 'object' && value !== null && 'respond' in value;
}

function isHeaders(value: unknown): value is IncomingHttpHeaders {
  return typeof value === 'object' && value !== null;
}
