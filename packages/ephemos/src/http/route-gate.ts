// The gate of one route or method: a request that a server of ours took in, undefined or how it is refused out. `requirePeer` of every framework.
import { type Authorizer, checkAuthorizer } from '../authorize/authorizer.ts';
import { parseGrpcTarget } from '../authorize/target-grpc.ts';
import { parseRequestTarget, type RequestHead } from '../authorize/target-request.ts';
import type { Peer } from '../spiffe/peer.ts';
import { peerOf } from '../tls/peer-of.ts';
import { judgeTarget, type TargetRefusal } from './target-judge.ts';

/** What is looked at of a request: an IncomingMessage and an Http2ServerRequest fit. */
export interface RouteRequest extends RequestHead {
  /** What was asked for before a router took its own part away (Express, Fastify). */
  readonly originalUrl?: unknown;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** Judges what reaches a route or method. */
export interface RouteGate {
  /** @throws {EphemosError} ERR_PEER_UNAUTHENTICATED for a request that did not come in through Ephemos */
  judgeRequest(request: RouteRequest): TargetRefusal | undefined;
  /** @param path `/package.Service/Method` */
  judgeCall(peer: Peer, path: string, remoteAddress?: string): TargetRefusal | undefined;
}

/**
 * Makes the gate of a route. An authorizer of one parameter is asked about the peer alone, any other about peer and target.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID
 */
export function createRouteGate(authorizer: Authorizer): RouteGate {
  const authorize = checkAuthorizer(authorizer);
  return {
    judgeRequest(request) {
      const { method = '', url = '', originalUrl, headers, socket } = request;
      const sent = typeof originalUrl === 'string' ? originalUrl : url;
      const asked = { text: () => `${method} ${sent}`, parse: () => parseRequestTarget({ method, url: sent, headers }) };
      return judgeTarget(authorize, { peer: peerOf(request), socket }, asked);
    },
    judgeCall: (peer, path, remoteAddress) =>
      judgeTarget(authorize, { peer, socket: { remoteAddress } }, { text: () => path, parse: () => parseGrpcTarget(path) }),
  };
}
