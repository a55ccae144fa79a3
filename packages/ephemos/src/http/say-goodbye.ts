// How a server ends an HTTP/2 session without losing a request (RFC 9113 sections 6.8 and 8.7).
import type { Http2Session } from 'node:http2';

/**
 * Sends GOAWAY with the last stream that was taken; those that are open finish. A stream that was on its way fails with REFUSED_STREAM, which
 * promises that nothing was done for it, so gRPC, Go and browsers send it again by themselves. The two steps of section 6.8 would spare them that,
 * but Node cannot take them: after `goaway(0, 2 ** 31 - 1)` it ignores new streams, which then hang (measured, Node 20 to 26).
 */
export function sayGoodbye(session: Http2Session): void {
  if (!session.closed && !session.destroyed) session.close();
}
