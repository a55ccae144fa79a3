// How much of a body is taken: bytes are counted as they come in, before whoever reads them.
import type { Readable } from 'node:stream';

/** Calls back once when more than `most` bytes have come; what comes from then on is thrown away. */
export function limitBody(body: Readable, most: number, onExceeded: () => void): void {
  const push = body.push.bind(body);
  let bytes = 0;
  // Node.js itself hands over what it reads with push(), for http and http2 (Node 20 to 26; the tests hold it).
  body.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (bytes > most) return false;
    bytes += chunk instanceof Uint8Array ? chunk.byteLength : 0;
    if (bytes <= most) return push(chunk, encoding);
    onExceeded();
    return false;
  };
}

/** True for a body that says of itself that it is longer. */
export function announcesMore(contentLength: string | undefined, most: number): boolean {
  return contentLength !== undefined && Number(contentLength) > most;
}
