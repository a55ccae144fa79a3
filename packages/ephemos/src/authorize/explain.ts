// Why a policy decides as it does: a peer and a target in, the rule that decides out, or the rules that nearly did and what was missing.
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { DecisionReason, Policy } from './policy.ts';
import { isForPeer, namesMethod, namesRoute, namesService, type Rule } from './rule.ts';
import type { Target } from './target.ts';
import { formatTarget } from './target-text.ts';

/** How many rules are shown for a denial. */
const NEAREST = 3;
/** How many entries of a list are shown. */
const SHOWN = 5;

/** The part of a rule that did not match, with what the rule names and what was asked. `spelling`: see {@link DecisionReason}. */
export interface Mismatch {
  readonly part: 'peer' | 'protocol' | 'method' | 'route' | 'service' | 'spelling';
  readonly wanted: string;
  readonly given: string;
}

/** A rule that nearly allowed it. */
export interface NearRule {
  readonly rule: string;
  /** Where it stands in the policy, from 0. */
  readonly index: number;
  readonly mismatches: readonly Mismatch[];
}

/** Why; plain values, for JSON. {@link formatExplanation} makes text of it. */
export interface Explanation {
  readonly allowed: boolean;
  readonly peer: string;
  readonly target: string;
  readonly reason: DecisionReason;
  /** The rule that allows it, and where it stands. */
  readonly rule?: string | undefined;
  readonly index?: number | undefined;
  /** For a denial, the nearest first: at most 3, none when no rule is for this peer or for this target. */
  readonly nearest: readonly NearRule[];
}

/**
 * Explains a decision.
 * @throws {EphemosError} ERR_SPIFFE_ID_INVALID
 */
export function explainDecision(policy: Policy, peer: SpiffeId | string, target: Target): Explanation {
  const id = peer instanceof SpiffeId ? peer : SpiffeId.parse(peer);
  const { allowed, rule, reason } = policy.decide({ id }, target);
  const asked = { allowed, peer: id.toString(), target: formatTarget(target), reason };
  if (!allowed) return Object.freeze({ ...asked, nearest: Object.freeze(nearestRules(policy, id, target)) });
  return Object.freeze({ ...asked, rule, index: policy.rules.findIndex(({ name }) => name === rule), nearest: Object.freeze([]) });
}

/**
 * An explanation as text for people, several lines.
 * @param placeOf says where the rule at an index stands, such as `policy.yaml:7`; default `rules[3]`
 */
export function formatExplanation(explanation: Explanation, placeOf: (index: number) => string = (index) => `rules[${index}]`): string {
  const { allowed, peer, target, reason, rule, index = 0, nearest } = explanation;
  if (allowed) return `allowed: ${peer} to ${target}\n  by rule ${JSON.stringify(rule)} (${placeOf(index)}), the first that allows it`;
  const lines = [`denied: ${peer} to ${target}`, `  ${reasons[reason]}`];
  for (const near of nearest) {
    lines.push(`  rule ${JSON.stringify(near.rule)} (${placeOf(near.index)}) does not allow it:`);
    for (const { part, wanted, given } of near.mismatches)
      lines.push(`    ${part}: the ${part === 'spelling' ? 'route is' : 'rule names'} ${wanted}, not ${given}`);
  }
  return lines.join('\n');
}

const reasons: Readonly<Record<DecisionReason, string>> = {
  allowed: 'a rule allows it',
  no_rule_for_peer: 'no rule is for this peer: it is refused at the connection',
  no_rule_for_target: 'rules are for this peer, and none of them allows this target',
  ambiguous_target: 'the path is spelled unlike a route that a router may take it for: in case, encoding, a trailing "/" or after ";"',
};

function nearestRules(policy: Policy, id: SpiffeId, target: Target): NearRule[] {
  const spelling = mismatchOfSpelling(policy, target);
  const near: { readonly rule: NearRule; readonly forPeer: boolean }[] = [];
  for (const [index, rule] of policy.rules.entries()) {
    const forPeer = isForPeer(rule, id);
    const mismatches = mismatchesOf(rule, target, spelling);
    if (!forPeer && mismatches.length > 0) continue;
    if (!forPeer) mismatches.push({ part: 'peer', wanted: `${rule.peerKind} ${someOf(rule.peers)}`, given: id.toString() });
    near.push({ rule: Object.freeze({ rule: rule.name, index, mismatches: Object.freeze(mismatches) }), forPeer });
  }
  near.sort((a, b) => a.rule.mismatches.length - b.rule.mismatches.length || Number(b.forPeer) - Number(a.forPeer));
  return near.slice(0, NEAREST).map(({ rule }) => rule);
}

function mismatchesOf({ http, grpc }: Rule, target: Target, spelling: Mismatch | undefined): Mismatch[] {
  if (http === undefined && grpc === undefined) return [];
  const part = target.protocol === 'http' ? http : grpc;
  if (part === undefined) return [{ part: 'protocol', wanted: http === undefined ? 'grpc' : 'http', given: target.protocol }];
  const mismatches: Mismatch[] = [];
  if (target.protocol === 'http' && http !== undefined) {
    const routes = http.routes ?? [];
    if (!namesRoute(http, target)) {
      const wanted = someOf(routes.map(({ text }) => text));
      mismatches.push({ part: 'route', wanted, given: target.rawPath });
    } else if (spelling !== undefined && routes.length > 0) mismatches.push(spelling);
  } else if (target.protocol === 'grpc' && grpc !== undefined && !namesService(grpc, target)) {
    mismatches.push({ part: 'service', wanted: someOf(grpc.services), given: target.service });
  }
  if (!namesMethod(part, target)) mismatches.push({ part: 'method', wanted: someOf(part.methods ?? []), given: target.method });
  return mismatches;
}

function mismatchOfSpelling(policy: Policy, target: Target): Mismatch | undefined {
  const routes = policy.ambiguousRoutes(target);
  if (routes.length === 0 || target.protocol !== 'http') return undefined;
  return { part: 'spelling', wanted: someOf(routes.map(({ text }) => text)), given: target.rawPath };
}

function someOf(texts: readonly string[]): string {
  const more = texts.length - SHOWN;
  return texts.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
