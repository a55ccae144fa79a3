// 'ephemos/hono': who may call a route of Hono on Node.js, and who called. A Hono context holds the request of Node.js in its environment.
import { IncomingMessage } from 'node:http';
import { Http2ServerRequest } from 'node:http2';
import type { Authorizer } from './authorize/authorizer.ts';
import { EphemosError } from './errors.ts';
import { createRouteGate } from './http/route-gate.ts';
import type { Peer } from './spiffe/peer.ts';
import { peerOf as peerOfCarrier } from './tls/peer-of.ts';

/** What is used of a Hono context. */
export interface HonoContext {
  readonly env: unknown;
  body(content: null, status: 400 | 403): Response;
}

/** Middleware as Hono takes it. */
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>;

/**
 * The verified peer that a request came from.
 * @throws {EphemosError} ERR_PEER_UNAUTHENTICATED when it did not come in through Ephemos, as with `app.request()` or on another runtime than Node.js
 */
export function peerOf(context: HonoContext): Peer {
  return peerOfCarrier(requestOf(context));
}

/**
 * Lets through whom the authorizer admits. Others are answered with 403, and with 400 when the authorizer decides about targets and this one
 * is in no form to be compared. Serve the app with `createServer(options, getRequestListener(app.fetch))` of @hono/node-server; it works on no
 * other runtime, because the peer is known by its connection and Hono's own Request has none.
 * @example
 * app.delete('/orders/:id', requirePeer(authorizeId('spiffe://example.org/ops')), (c) => c.text(`deleted for ${peerOf(c).id}`));
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID; at a request that did not come in through Ephemos ERR_PEER_UNAUTHENTICATED, which Hono answers with 500
 */
export function requirePeer(authorize: Authorizer): HonoMiddleware {
  const gate = createRouteGate(authorize);
  return async (context, next) => {
    const refusal = gate.judgeRequest(requestOf(context));
    if (refusal !== undefined) return context.body(null, refusal.status);
    await next();
    return undefined;
  };
}

function requestOf({ env }: HonoContext): IncomingMessage | Http2ServerRequest {
  const incoming = typeof env === 'object' && env !== null && 'incoming' in env ? env.incoming : undefined;
  if (incoming instanceof IncomingMessage || incoming instanceof Http2ServerRequest) return incoming;
  throw new EphemosError('ERR_PEER_UNAUTHENTICATED', 'this request did not come in over a connection of Node.js', {
    hint: 'serve it with createServer(options, getRequestListener(app.fetch)) of @hono/node-server',
  });
}
