// The head of an HTTP request as Node.js gives it in, its target out. What routers build a path from besides the target is checked too.
import { EphemosError } from '../errors.ts';
import type { HttpTarget } from './target.ts';
import { parseHttpTarget } from './target-http.ts';

/** What is looked at of a request: an IncomingMessage and an Http2ServerRequest fit. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** A name or an address with an optional port (RFC 9110 section 7.2), without what a URL would take for something else. */
const HOST = /^(?:[\w.-]{1,255}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * Normalises what a request asks for. A host that is none is refused: Hono on Node.js takes the text of host and target for one URL, and
 * `é/admin` then moves the path (found with @hono/node-server 2.1.9).
 * @throws {EphemosError} ERR_TARGET_INVALID, to be answered with 400
 */
export function parseRequestTarget({ method = '', url = '', headers }: RequestHead): HttpTarget {
  for (const host of [headers['host'], headers[':authority']]) {
    if (host !== undefined && (typeof host !== 'string' || !HOST.test(host))) {
      throw new EphemosError('ERR_TARGET_INVALID', 'the host of a request is a name or an address, with an optional port');
    }
  }
  return parseHttpTarget(method, url);
}
