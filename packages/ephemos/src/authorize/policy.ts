// Policy as data: allow rules from a file in, the answers of both gates out. Whatever no rule allows is denied.
import { EphemosError } from '../errors.ts';
import type { Peer } from '../spiffe/peer.ts';
import { type Authorizer, createJudgingAuthorizer, type Judgement } from './authorizer.ts';
import { createPolicyIndex } from './policy-index.ts';
import { formatPath, type PolicyProblem } from './policy-problem.ts';
import { readPolicy } from './policy-reader.ts';
import type { Rule } from './rule.ts';
import type { RoutePattern } from './rule-route.ts';
import type { Target } from './target.ts';

/** Why a decision is what it is. `ambiguous_target`: a router may find another route for the path than the one that a rule allows. */
export type DecisionReason = 'allowed' | 'no_rule_for_peer' | 'no_rule_for_target' | 'ambiguous_target';

/** What a policy says to a peer that asks for a target. */
export interface Decision extends Judgement {
  /** The name of the rule that allows it, the first in the order of the file. */
  readonly rule: string | undefined;
  readonly reason: DecisionReason;
}

/** Rules, and what follows from them. Immutable: a changed file makes another policy. */
export interface Policy {
  /** In the order of the file. */
  readonly rules: readonly Rule[];
  /** The first gate, at the connection: true when some rule could ever admit this peer. */
  admits(peer: Pick<Peer, 'id'>): boolean;
  /** The second gate, at the request. */
  decide(peer: Pick<Peer, 'id'>, target: Target): Decision;
  /** The routes that make a target ambiguous: a router may find them although the path is spelled unlike them. */
  ambiguousRoutes(target: Target): readonly RoutePattern[];
}

/**
 * Everything that is wrong with a policy, nothing when it can be used.
 * @param value plain values, as a YAML or JSON file gives them
 */
export function checkPolicy(value: unknown): readonly PolicyProblem[] {
  return readPolicy(value).problems;
}

/**
 * Makes a policy of plain values: `{ rules: [{ name, id | id_prefix | trust_domain, http?, grpc? }] }`.
 * @example
 * parsePolicy({ rules: [
 *   { name: 'web reads orders', id: 'spiffe://example.org/web', http: { method: 'GET', route: '/orders/:id' } },
 *   { name: 'payments', id_prefix: 'spiffe://example.org/ns/payments/', grpc: { service: 'orders.v1.Orders', method: '*' } },
 *   { name: 'ops', trust_domain: 'ops.example.org' },
 * ] });
 * @throws {EphemosError} ERR_POLICY_INVALID with the first problem; {@link checkPolicy} has them all
 */
export function parsePolicy(value: unknown): Policy {
  const { rules, problems } = readPolicy(value);
  const [first] = problems;
  if (first !== undefined) throw invalid(first, problems.length - 1);
  return createPolicy(Object.freeze(rules));
}

/**
 * The authorizer of a policy, for both gates: {@link Policy.admits} without a target, {@link Policy.decide} with one.
 * @param policy a policy, or a function that gives the one of now; call `reauthorize()` of the servers when it has changed
 */
export function createPolicyAuthorizer(policy: Policy | (() => Policy)): Authorizer {
  const current = typeof policy === 'function' ? policy : () => policy;
  return createJudgingAuthorizer((peer, target) => {
    const rules = current();
    if (target !== undefined) return rules.decide(peer, target);
    return rules.admits(peer) ? KNOWN : denials.no_rule_for_peer;
  });
}

// Which rule lets it in is decided at each request.
const KNOWN: Decision = Object.freeze({ allowed: true, rule: undefined, reason: 'allowed' });

function createPolicy(rules: readonly Rule[]): Policy {
  const index = createPolicyIndex(rules);
  const allowed = rules.map(({ name }): Decision => Object.freeze({ allowed: true, rule: name, reason: 'allowed' }));
  return Object.freeze<Policy>({
    rules,
    admits: ({ id }) => index.knows(id),
    decide({ id }, target) {
      const decision = allowed[index.first(id, target)];
      if (decision !== undefined) return decision;
      if (!index.knows(id)) return denials.no_rule_for_peer;
      return index.ambiguous(target).length > 0 ? denials.ambiguous_target : denials.no_rule_for_target;
    },
    ambiguousRoutes: (target) => index.ambiguous(target),
  });
}

const denials = Object.freeze({
  no_rule_for_peer: denial('no_rule_for_peer'),
  no_rule_for_target: denial('no_rule_for_target'),
  ambiguous_target: denial('ambiguous_target'),
});

function denial(reason: DecisionReason): Decision {
  return Object.freeze({ allowed: false, rule: undefined, reason });
}

function invalid({ path, message, hint }: PolicyProblem, more: number): EphemosError {
  const where = path.length === 0 ? 'policy' : formatPath(path);
  const rest = more === 0 ? '' : ` (and ${more} more)`;
  return new EphemosError('ERR_POLICY_INVALID', `${where}: ${message}${rest}`, { hint });
}
