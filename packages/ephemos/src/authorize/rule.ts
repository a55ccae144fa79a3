// One allow rule as data, and what each of its parts says to a peer and a target.
import type { SpiffeId } from '../spiffe/spiffe-id.ts';
import { matchPeers, type PeerKind } from './peer-index.ts';
import { coversPath, type RoutePattern, splitPath } from './rule-route.ts';
import type { GrpcTarget, HttpTarget } from './target.ts';

/** An allow rule. It is for the peers that it names and allows what `http` or `grpc` names; with neither, everything. */
export interface Rule {
  /** Unique in its policy; it stands in logs and metrics. */
  readonly name: string;
  readonly peerKind: PeerKind;
  /** Of that kind, one at least. */
  readonly peers: readonly string[];
  readonly http: HttpPart | undefined;
  readonly grpc: GrpcPart | undefined;
}

/** What of HTTP a rule allows: each of the methods on each of the routes. */
export interface HttpPart {
  /** `undefined` stands for every method. */
  readonly methods: readonly string[] | undefined;
  /** `undefined` stands for every path. */
  readonly routes: readonly RoutePattern[] | undefined;
}

/** What of gRPC a rule allows: each of the methods of each of the services. */
export interface GrpcPart {
  readonly services: readonly string[];
  /** `undefined` stands for every method, written as `*`. */
  readonly methods: readonly string[] | undefined;
}

/** True when the rule is for this peer. */
export function isForPeer({ peerKind, peers }: Rule, id: SpiffeId): boolean {
  return matchPeers(peerKind, peers)(id);
}

/** True when the part names the method. */
export function namesMethod({ methods }: HttpPart | GrpcPart, { method }: HttpTarget | GrpcTarget): boolean {
  return methods === undefined || methods.includes(method);
}

/** True when the part names the path of the target, in this spelling. */
export function namesRoute({ routes }: HttpPart, { rawPath }: HttpTarget): boolean {
  return routes === undefined || routes.some((route) => coversPath(route, splitPath(rawPath)));
}

/** True when the part names the service of the target. */
export function namesService({ services }: GrpcPart, { service }: GrpcTarget): boolean {
  return services.includes(service);
}
