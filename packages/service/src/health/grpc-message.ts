// gRPC over one HTTP/2 stream, as far as a health check needs it: length-prefixed messages and statuses (gRPC over HTTP/2, PROTOCOL-HTTP2.md).
import { Buffer } from 'node:buffer';

/** The status codes that are used here. */
export const grpcStatus = {
  ok: 0,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** A call that fails, with its status. */
export interface GrpcFailure {
  readonly code: number;
  readonly message: string;
}

const PREFIX_BYTES = 5;

/** A message with its prefix: not compressed, four bytes of length. */
export function encodeMessage(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Takes the one message out of what a peer has sent whole; at most `most` bytes of it. */
export function decodeMessage(bytes: Buffer, most: number): Uint8Array | GrpcFailure {
  if (bytes.length === 0) return failure(grpcStatus.unimplemented, 'there is no message, and this method takes one');
  if (bytes.length < PREFIX_BYTES) return failure(grpcStatus.internal, 'the message was cut off');
  if (bytes[0] !== 0) return failure(grpcStatus.unimplemented, 'compressed messages are not taken');
  const length = bytes.readUInt32BE(1);
  if (length > most) return failure(grpcStatus.resourceExhausted, `a message is at most ${most} bytes`);
  const message = bytes.subarray(PREFIX_BYTES);
  if (message.length < length) return failure(grpcStatus.internal, 'the message was cut off');
  return message.length === length
    ? message
    : failure(grpcStatus.unimplemented, 'there is more than one message, and this method takes one');
}

/** Makes a failure. */
export function failure(code: number, message: string): GrpcFailure {
  return { code, message };
}

/** The trailers of a status. The message is ASCII, without `%`. */
export function trailersOf({ code, message }: GrpcFailure): Record<string, string> {
  return { 'grpc-status': String(code), ...(message === '' ? {} : { 'grpc-message': message }) };
}

/** Reads what comes from a peer, until it ends or is longer than one message can be. Calls back once, or never when the stream breaks. */
export function readMessage(
  stream: { on(event: 'data', listener: (chunk: Buffer) => void): unknown; once(event: 'end', listener: () => void): unknown },
  most: number,
  onMessage: (message: Uint8Array | GrpcFailure) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  let done = false;
  function finish(message: Uint8Array | GrpcFailure): void {
    if (done) return;
    done = true;
    onMessage(message);
  }
  stream.on('data', (chunk) => {
    // What comes after that is let go.
    if (done) return;
    chunks.push(chunk);
    length += chunk.length;
    if (length > PREFIX_BYTES + most) finish(decodeMessage(Buffer.concat(chunks), most));
  });
  stream.once('end', () => finish(decodeMessage(Buffer.concat(chunks), most)));
}
