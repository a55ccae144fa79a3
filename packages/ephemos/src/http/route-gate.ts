// The gate of one route or method: a request that a server of ours took in, undefined or how it is refused out. `requirePeer` of every framework.
import { type Authorizer, checkAuthorizer, decide, decidesTargets } from '../authorize/authorizer.ts';
import type { Target } from '../authorize/target.ts';
import { parseGrpcTarget } from '../authorize/target-grpc.ts';
import { parseRequestTarget, type RequestHead } from '../authorize/target-request.ts';
import { formatTarget } from '../authorize/target-text.ts';
import { type EphemosError, isEphemosError } from '../errors.ts';
import { publish } from '../observe/channels.ts';
import type { Peer } from '../spiffe/peer.ts';
import { peerOf } from '../tls/peer-of.ts';

/** What is looked at of a request: an IncomingMessage and an Http2ServerRequest fit. */
export interface RouteRequest extends RequestHead {
  /** What was asked for before a router took its own part away (Express, Fastify). */
  readonly originalUrl?: unknown;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** How a request is refused. */
export interface RouteRefusal {
  /** 400: its target is in no form that could be compared with a rule. 403: the authorizer does not admit it. */
  readonly status: 400 | 403;
  readonly error: EphemosError;
}

/** Judges what reaches a route or method. */
export interface RouteGate {
  /** @throws {EphemosError} ERR_PEER_UNAUTHENTICATED for a request that did not come in through Ephemos */
  judgeRequest(request: RouteRequest): RouteRefusal | undefined;
  /** @param path `/package.Service/Method` */
  judgeCall(peer: Peer, path: string, remoteAddress?: string): RouteRefusal | undefined;
}

// What an audit may show of a target that is in no form to be compared.
const MAX_SHOWN_CHARACTERS = 256;

/**
 * Makes the gate of a route. One of one parameter is asked about the peer alone, any other about peer and target.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID
 */
export function createRouteGate(authorizer: Authorizer): RouteGate {
  const authorize = checkAuthorizer(authorizer);
  const asksTargets = decidesTargets(authorize);

  function judge(caller: Caller, asked: string, parse: () => Target): RouteRefusal | undefined {
    const target = asksTargets ? read(parse) : undefined;
    if (isEphemosError(target)) {
      tell(caller, () => shorten(asked), { allowed: false, rule: undefined, reason: 'target_invalid' });
      return { status: 400, error: target };
    }
    const { refusal, allowed, rule, reason } = decide(authorize, caller.peer, target);
    tell(caller, () => shown(target ?? read(parse), asked), { allowed, rule, reason });
    return refusal === undefined ? undefined : { status: 403, error: refusal };
  }

  return {
    judgeRequest(request) {
      const { method = '', url = '', originalUrl, headers, socket } = request;
      const sent = typeof originalUrl === 'string' ? originalUrl : url;
      const caller = { peer: peerOf(request), remoteAddress: socket.remoteAddress };
      return judge(caller, `${method} ${sent}`, () => parseRequestTarget({ method, url: sent, headers }));
    },
    judgeCall: (peer, path, remoteAddress) => judge({ peer, remoteAddress }, path, () => parseGrpcTarget(path)),
  };
}

interface Caller {
  readonly peer: Peer;
  readonly remoteAddress: string | undefined;
}

function read(parse: () => Target): Target | EphemosError {
  try {
    return parse();
  } catch (error) {
    if (isEphemosError(error, 'ERR_TARGET_INVALID')) return error;
    throw error;
  }
}

function tell(
  { peer, remoteAddress }: Caller,
  target: () => string,
  answer: { readonly allowed: boolean; readonly rule: string | undefined; readonly reason: string },
): void {
  publish('decision', () => ({
    role: 'server',
    gate: 'request',
    peer: peer.id.toString(),
    target: target(),
    ...answer,
    remoteAddress,
  }));
}

function shown(target: Target | EphemosError, asked: string): string {
  return isEphemosError(target) ? shorten(asked) : formatTarget(target);
}

// Without the query, where people put tokens.
function shorten(asked: string): string {
  return (asked.split(/[?#]/, 1)[0] ?? '').slice(0, MAX_SHOWN_CHARACTERS);
}
