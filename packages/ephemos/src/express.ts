// 'ephemos/express': who may call a route of Express, or of anything else that takes middleware of its form.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authorizer } from './authorize/authorizer.ts';
import { createRouteGate } from './http/route-gate.ts';

export { peerOf } from './tls/peer-of.ts';

/** Middleware as Express, Connect and Polka take it. */
export type PeerMiddleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * Lets through whom the authorizer admits. Others are answered with 403, and with 400 when the authorizer decides about targets and this one
 * is in no form to be compared. Serve the app with `createServer(options, app)`: this narrows what its `authorize` lets in and cannot widen it.
 * The target is what the client sent (`originalUrl`), whatever a router or middleware made of `req.url`. It is asked at each request: a
 * response that streams on goes on when the policy changes, until the connection is refused too.
 * @example
 * app.delete('/orders/:id', requirePeer(authorizeId('spiffe://example.org/ops')), (req, res) => {
 *   res.send(`deleted for ${peerOf(req).id}`);
 * });
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID; at a request that did not come in through Ephemos ERR_PEER_UNAUTHENTICATED, which Express answers with 500
 */
export function requirePeer(authorize: Authorizer): PeerMiddleware {
  const gate = createRouteGate(authorize);
  return (request, response, next) => {
    const refusal = gate.judgeRequest(request);
    if (refusal === undefined) next();
    else response.writeHead(refusal.status, { 'content-length': '0' }).end();
  };
}
