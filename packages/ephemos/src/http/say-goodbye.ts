// How a server ends an HTTP/2 session without losing a request (RFC 9113 section 6.8).
import type { Http2Session } from 'node:http2';

/** How long clients have to hear the first GOAWAY before new streams are refused, in milliseconds. */
export const GOAWAY_NOTICE_MS = 1_000;
const LARGEST_STREAM_ID = 2 ** 31 - 1;

/**
 * First the notice that no new streams should come, then, when those that were on their way are in, the real end.
 * @param atOnce for a peer that was refused: no notice, no new streams
 */
export function sayGoodbye(session: Http2Session, atOnce: boolean): void {
  if (session.destroyed) return;
  if (atOnce) return session.close();
  session.goaway(0, LARGEST_STREAM_ID);
  const timer = setTimeout(() => session.destroyed || session.close(), GOAWAY_NOTICE_MS).unref();
  session.once('close', () => clearTimeout(timer));
}
