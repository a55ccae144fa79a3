// The probe over gRPC, as kubelet asks: one Check of grpc.health.v1.Health without TLS.
import { Buffer } from 'node:buffer';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { isIP } from 'node:net';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { oneLine, type ProbeResult } from './check.ts';
import { decodeMessage, encodeMessage } from './grpc-message.ts';
import { HealthCheckRequestSchema, HealthCheckResponseSchema } from './health_pb.ts';
import { HEALTH_SERVICE_PATH, MAX_REQUEST_BYTES, servingStatus } from './health-calls.ts';

/** Whom to ask, and for what. */
export interface GrpcProbe {
  readonly host: string;
  readonly port: number;
  /** Empty for the process as a whole. */
  readonly service: string;
  readonly signal: AbortSignal;
}

/** Asks. Rejects when there is no answer, also with the reason of the signal. */
export async function probeGrpc({ host, port, service, signal }: GrpcProbe): Promise<ProbeResult> {
  signal.throwIfAborted();
  const { headers, body } = await call(`http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`, service, signal);
  const failed = (reason: string): ProbeResult => ({ ok: false, reachable: true, checks: [], reason: oneLine(reason) });
  const code = headers['grpc-status'];
  if (code === undefined && headers['content-type']?.startsWith('application/grpc') === true) return failed('the answer was cut off');
  if (code === undefined) return failed(`no gRPC service answers there: HTTP ${headers[':status'] ?? 0}`);
  if (code !== '0')
    return failed(`gRPC status ${code}${headers['grpc-message'] === undefined ? '' : `: ${String(headers['grpc-message'])}`}`);
  const message = decodeMessage(body, MAX_REQUEST_BYTES);
  if (!(message instanceof Uint8Array)) return failed(message.message);
  const { status } = fromBinary(HealthCheckResponseSchema, message);
  if (status === servingStatus.SERVING) return { ok: true, reachable: true, checks: [], reason: undefined };
  const [name] = Object.entries(servingStatus).find(([, number]) => number === status) ?? [];
  return failed(name ?? `serving status ${status}`);
}

interface Answer {
  /** The headers, and the trailers over them. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function call(origin: string, service: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = connect(origin, { settings: { enablePush: false }, maxSessionMemory: 1 });
    const stop = (): void => session.destroy();
    signal.addEventListener('abort', stop, { once: true });
    session.on('error', reject);
    session.once('close', () => {
      signal.removeEventListener('abort', stop);
      reject(new Error('the connection was closed before there was an answer'));
    });
    const stream = session.request({
      ':method': 'POST',
      ':path': `${HEALTH_SERVICE_PATH}Check`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let headers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    let length = 0;
    stream.on('response', (fields) => {
      headers = fields;
    });
    stream.on('trailers', (fields: IncomingHttpHeaders) => {
      headers = { ...headers, ...fields };
    });
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > 2 * MAX_REQUEST_BYTES) stream.destroy(new Error('the answer is too long'));
    });
    // Later: a client of Node 20 that ends its session in the turn in which streams were reset may never come back.
    const end = (): void => void setImmediate(() => session.destroy());
    stream.on('error', (error: Error) => {
      reject(error);
      end();
    });
    stream.once('end', () => {
      // One that is cut off ends too.
      if (headers[':status'] !== undefined) resolve({ headers, body: Buffer.concat(chunks) });
      end();
    });
    stream.end(encodeMessage(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }))));
  });
}
