// 'ephemos/fastify': who may call a route of Fastify.
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Authorizer } from './authorize/authorizer.ts';
import { createRouteGate } from './http/route-gate.ts';

export { peerOf } from './tls/peer-of.ts';

/** What is used of a Fastify request. */
export interface PeerHookRequest {
  readonly raw: IncomingMessage | Http2ServerRequest;
}

/** What is used of a Fastify reply. */
export interface PeerHookReply {
  code(status: 400 | 403): { send(): unknown };
}

/** A hook for `onRequest`, `preParsing` or any later step before the handler. */
export type PeerHook = (request: PeerHookRequest, reply: PeerHookReply) => Promise<unknown>;

/**
 * Lets through whom the authorizer admits. Others are answered with 403, and with 400 when the authorizer decides about targets and this one
 * is in no form to be compared. Make the server with `serverFactory: (handler) => createServer(options, handler)`; Fastify's own `http2` and
 * `https` options open a server that no gate stands before, and every request to it then fails here with ERR_PEER_UNAUTHENTICATED (500), as
 * `app.inject()` does, which has no connection.
 * @example
 * app.delete('/orders/:id', { onRequest: requirePeer(authorizeId('spiffe://example.org/ops')) }, async (request) => {
 *   return `deleted for ${peerOf(request).id}`;
 * });
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID
 */
export function requirePeer(authorize: Authorizer): PeerHook {
  const gate = createRouteGate(authorize);
  return async ({ raw }, reply) => {
    const refusal = gate.judgeRequest(raw);
    return refusal === undefined ? undefined : reply.code(refusal.status).send();
  };
}
