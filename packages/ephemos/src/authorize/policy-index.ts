// The rules of a policy in, the first one that allows a peer a target out: found by the ID and the path, not by reading every rule.
import type { SpiffeId } from '../spiffe/spiffe-id.ts';
import { PeerIndex } from './peer-index.ts';
import type { Rule } from './rule.ts';
import { coversPath, type RoutePattern, readingsOf, splitPath } from './rule-route.ts';
import { RouteTree } from './rule-tree.ts';
import type { Target } from './target.ts';

/** Where a rule stands in its policy, and the methods that it allows there; `undefined` stands for all. */
interface Entry {
  readonly order: number;
  readonly methods: readonly string[] | undefined;
}

/** The rules that name one ID, one prefix or one trust domain. */
interface Bucket {
  /** The first rule that allows every target. */
  everything: number;
  readonly anyPath: Entry[];
  readonly routes: RouteTree<Entry>;
  readonly services: Map<string, Entry[]>;
}

/** Answers for the rules of one policy. */
export interface PolicyIndex {
  /** True when a rule is for this peer. */
  knows(id: SpiffeId): boolean;
  /** The place of the first rule that allows the peer the target; `Infinity` when there is none. */
  first(id: SpiffeId, target: Target): number;
  /** The routes that a router may find for the target although its path is not spelled like them. */
  ambiguous(target: Target): readonly RoutePattern[];
}

/** Indexes rules, which are in the order that decides. */
export function createPolicyIndex(rules: readonly Rule[]): PolicyIndex {
  const buckets = new PeerIndex<Bucket>();
  const routes = new RouteTree<RoutePattern>({ anyMatchesEmpty: true });
  for (const [order, rule] of rules.entries()) {
    for (const peer of rule.peers) fill(buckets.at(rule.peerKind, peer, createBucket), rule, order);
    for (const route of rule.http?.routes ?? []) {
      const same = routes.at(route.folded, route.rest);
      // Routes of one folded form are spelled alike: parsePolicy refuses the others.
      if (same.length === 0) same.push(route);
    }
  }

  function ambiguous(target: Target): readonly RoutePattern[] {
    if (target.protocol !== 'http') return [];
    const found = new Set<RoutePattern>();
    const path = splitPath(target.rawPath);
    let endsInSlash = false;
    const see = (route: RoutePattern) => {
      if (!coversPath(route, path)) found.add(route);
      else if (route.segments.at(-1) === '') endsInSlash = true;
    };
    for (const reading of readingsOf(target.rawPath)) {
      const trailing = reading.at(-1) === '';
      routes.visit(trailing ? reading.slice(0, -1) : reading, see);
      // A parameter that is empty loses to a route that ends in "/".
      if (trailing && !endsInSlash) routes.visit(reading, see);
    }
    return [...found];
  }

  return {
    knows: (id) => buckets.has(id),
    first(id, target) {
      const found = [...buckets.find(id)];
      if (found.length === 0) return Infinity;
      const withRoutes = ambiguous(target).length === 0;
      return Math.min(...found.map((bucket) => firstOf(bucket, target, withRoutes)));
    },
    ambiguous,
  };
}

function createBucket(): Bucket {
  return { everything: Infinity, anyPath: [], routes: new RouteTree(), services: new Map() };
}

function fill(bucket: Bucket, { http, grpc }: Rule, order: number): void {
  if (http === undefined && grpc === undefined) bucket.everything = Math.min(bucket.everything, order);
  if (http !== undefined) {
    const entry = { order, methods: http.methods };
    if (http.routes === undefined) bucket.anyPath.push(entry);
    for (const route of http.routes ?? []) bucket.routes.at(route.segments, route.rest).push(entry);
  }
  for (const service of grpc?.services ?? []) {
    const entries = bucket.services.get(service) ?? [];
    bucket.services.set(service, entries);
    entries.push({ order, methods: grpc?.methods });
  }
}

function firstOf(bucket: Bucket, target: Target, withRoutes: boolean): number {
  let first = bucket.everything;
  const see = ({ order, methods }: Entry) => {
    if (order < first && (methods === undefined || methods.includes(target.method))) first = order;
  };
  if (target.protocol === 'grpc') {
    bucket.services.get(target.service)?.forEach(see);
  } else {
    bucket.anyPath.forEach(see);
    // A rule without a route allows every handler, so it does not matter to it which one a router finds.
    if (withRoutes) bucket.routes.visit(splitPath(target.rawPath), see);
  }
  return first;
}
