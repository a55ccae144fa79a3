// 'ephemos/nest': who may call a controller or route of NestJS, on its Express or Fastify platform.
import { IncomingMessage } from 'node:http';
import { Http2ServerRequest } from 'node:http2';
import type { Authorizer } from './authorize/authorizer.ts';
import { EphemosError } from './errors.ts';
import { createRouteGate } from './http/route-gate.ts';

export { peerOf } from './tls/peer-of.ts';

/** What is used of a Nest ExecutionContext. */
export interface GuardContext {
  getType(): string;
  switchToHttp(): { getRequest(): unknown };
}

/** A guard as Nest takes it, for `@UseGuards`, `useGlobalGuards` and `APP_GUARD`. */
export interface PeerGuard {
  canActivate(context: GuardContext): boolean;
}

/**
 * Makes a guard that lets through whom the authorizer admits. Nest answers others with 403 and its own body.
 * It guards HTTP routes. In gateways, microservices and GraphQL resolvers it denies with an error: there a message does not say over which
 * connection it came; guard the connection with `authorize` of the server instead. Serve the app with
 * `createServer(options, app.getHttpAdapter().getInstance())` after `app.init()`, not with `app.listen()`, which opens a server of its own.
 * @example
 * UseGuards(requirePeer(authorizeId('spiffe://example.org/ops')))(OrdersController);
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID; at a request that did not come in through Ephemos ERR_PEER_UNAUTHENTICATED, which Nest answers with 500
 */
export function requirePeer(authorize: Authorizer): PeerGuard {
  const gate = createRouteGate(authorize);
  return Object.freeze({
    canActivate: (context: GuardContext) => gate.judgeRequest(requestOf(context)) === undefined,
  });
}

function requestOf(context: GuardContext): IncomingMessage | Http2ServerRequest {
  const type = context.getType();
  const request = type === 'http' ? context.switchToHttp().getRequest() : undefined;
  // Fastify keeps the request of Node.js in `raw`; that of Express is one itself.
  const raw = typeof request === 'object' && request !== null && 'raw' in request ? request.raw : request;
  if (raw instanceof IncomingMessage || raw instanceof Http2ServerRequest) return raw;
  throw new EphemosError(
    'ERR_PEER_UNAUTHENTICATED',
    `requirePeer guards HTTP routes, and this is a message of type ${JSON.stringify(type)}`,
    {
      hint: 'admit its callers with the authorize option of the server',
    },
  );
}
