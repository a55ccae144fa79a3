// The end of an HTTP/2 stream that was answered before its request was over.
import type { ServerHttp2Stream } from 'node:http2';

/** Reads nothing more of a request. The answer must be written by now. */
export function ignoreRest(stream: ServerHttp2Stream): void {
  // What has arrived is let go, so that a request that is over can end.
  stream.resume();
  // Not in this turn: Node 22 and newer would drop the headers of the answer (respond, then close).
  setImmediate(() => {
    if (!stream.readableEnded) stream.close();
  });
}
