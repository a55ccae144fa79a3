// Who is admitted: a verified peer, and at the second gate its target, in; true or not out. Only `true` admits; a throw, a promise and undefined deny.
import { EphemosError } from '../errors.ts';
import type { Peer } from '../spiffe/peer.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import { matchPeers } from './peer-index.ts';
import type { Target } from './target.ts';

/**
 * Decides whether a verified peer is admitted: when it connects, and with a `target` once more for each request. An authorizer of exactly one
 * parameter is asked when it connects alone. It answers at once: a promise does not compile and is denied. Without a target it should admit whom
 * it could admit to anything.
 * @example
 * const payments: Authorizer = ({ id }) => id.path.startsWith('/ns/payments/');
 */
export type Authorizer = (peer: Peer, target?: Target) => boolean;

/**
 * Admits one SPIFFE ID.
 * @throws {EphemosError} ERR_SPIFFE_ID_INVALID; ERR_AUTHORIZER_INVALID for an ID without a path, which no workload has
 */
export function authorizeId(id: string | SpiffeId): Authorizer {
  const named = matchPeers('id', [toId(id).toString()]);
  return ({ id: given }) => named(given);
}

/**
 * Admits the SPIFFE IDs of a list.
 * @throws {EphemosError} ERR_SPIFFE_ID_INVALID; ERR_AUTHORIZER_INVALID when the list is empty, which would be a lock without a key
 */
export function authorizeOneOf(ids: Iterable<string | SpiffeId>): Authorizer {
  const wanted = Array.from(ids, (id) => toId(id).toString());
  if (wanted.length === 0) throw invalid('authorizeOneOf needs at least one SPIFFE ID');
  const named = matchPeers('id', wanted);
  return ({ id }) => named(id);
}

/** Admits every workload of a trust domain. */
export function authorizeMemberOf(trustDomain: string | TrustDomain): Authorizer {
  const wanted = trustDomain instanceof TrustDomain ? trustDomain : TrustDomain.parse(trustDomain);
  const named = matchPeers('trust_domain', [wanted.name]);
  return ({ id }) => named(id);
}

/**
 * Admits every workload of a trust domain below a path.
 * @param prefix a trust domain and a path that ends in `/`, such as `spiffe://example.org/ns/payments/`
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID when the prefix does not end in `/`: `/ns/pay` would admit `/ns/payments-evil`
 */
export function authorizePath(prefix: string): Authorizer {
  if (!prefix.endsWith('/'))
    throw invalid('the prefix of authorizePath must end in "/"', `write ${JSON.stringify(`${prefix}/`)}, or authorizeId for one ID`);
  const named = matchPeers('id_prefix', [`${SpiffeId.parse(prefix.slice(0, -1))}/`]);
  return ({ id }) => named(id);
}

/**
 * Admits whom every one of the authorizers admits.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID when there is none
 */
export function allOf(...authorizers: readonly Authorizer[]): Authorizer {
  const checked = checkAll('allOf', authorizers);
  return likeAnyOf(checked, (peer, target) => checked.every((authorize) => authorize(peer, target)));
}

/**
 * Admits whom at least one of the authorizers admits.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID when there is none
 */
export function anyOf(...authorizers: readonly Authorizer[]): Authorizer {
  const checked = checkAll('anyOf', authorizers);
  return likeAnyOf(checked, (peer, target) => checked.some((authorize) => authorize(peer, target)));
}

/**
 * Admits whom the authorizer denies, and only when it plainly says `false`: its failure admits nobody.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, also for an authorizer that decides about targets: whom it could admit is not whom it always admits
 */
export function not(authorizer: Authorizer): Authorizer {
  const checked = checkAuthorizer(authorizer);
  if (checked.length > 1) throw invalid('not() takes no authorizer that decides about targets', 'write the rule the other way round');
  return (peer) => !checked(peer);
}

/** Admits every verified workload of every trust domain that we have a bundle of. Loud on purpose: look for it in reviews. */
export function authorizeAny(): Authorizer {
  return (_peer) => true;
}

/** True for an authorizer that has to be asked about every request: every one that does not take exactly one parameter. */
export function decidesTargets(authorize: Authorizer): boolean {
  return authorize.length !== 1;
}

/**
 * Refuses what cannot be an authorizer before any connection is made. What it returns answers `true` or `false`, or throws.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID
 */
export function checkAuthorizer(value: unknown): Authorizer {
  if (typeof value !== 'function') {
    throw invalid('authorize is missing', 'say who may connect, as in authorize: authorizeId("spiffe://example.org/web")');
  }
  if (value.constructor.name === 'AsyncFunction')
    throw invalid('an authorizer must not be async', 'fetch what it needs beforehand and decide at once');
  const checked = withParameters(value.length, (peer, target) => booleanFrom(value(peer, target)));
  const judge = judges.get(value);
  if (judge !== undefined) judges.set(checked, judge);
  return checked;
}

function booleanFrom(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  // It is not waited for, but its failure must not end the process.
  if (answer instanceof Promise) answer.catch(() => undefined);
  throw new TypeError('the authorizer returned something other than a boolean');
}

/** What an authorizer says, with the rule and the reason where it knows them. */
export interface Judgement {
  readonly allowed: boolean;
  readonly rule: string | undefined;
  readonly reason: string;
}

/** Authorizers that can say why: those of a policy. */
const judges = new WeakMap<object, (peer: Peer, target: Target | undefined) => Judgement>();

/** Makes an authorizer that can say why, for {@link decide}. */
export function createJudgingAuthorizer(judge: (peer: Peer, target: Target | undefined) => Judgement): Authorizer {
  const authorize: Authorizer = (peer, target) => judge(peer, target).allowed;
  judges.set(authorize, judge);
  return authorize;
}

const ALLOWED: Judgement = Object.freeze({ allowed: true, rule: undefined, reason: 'allowed' });
const DENIED: Judgement = Object.freeze({ allowed: false, rule: undefined, reason: 'denied' });

/** An answer, and the error to refuse with when it is no. */
export interface Verdict extends Judgement {
  readonly refusal: EphemosError | undefined;
}

/** Runs an authorizer that {@link checkAuthorizer} returned. Never throws: what is not plainly `true` is a refusal, with its reason. */
export function decide(authorize: Authorizer, peer: Peer, target?: Target): Verdict {
  try {
    const judge = judges.get(authorize);
    const { allowed, rule, reason } = judge !== undefined ? judge(peer, target) : authorize(peer, target) === true ? ALLOWED : DENIED;
    return { allowed: allowed === true, rule, reason, refusal: allowed === true ? undefined : unauthorized(peer, reason, undefined) };
  } catch (error) {
    return { ...DENIED, refusal: unauthorized(peer, DENIED.reason, error) };
  }
}

function unauthorized(peer: Peer, reason: string, cause: unknown): EphemosError {
  return new EphemosError('ERR_PEER_UNAUTHORIZED', `the authorizer does not admit ${peer.id}`, {
    hint:
      reason === DENIED.reason ? 'add it to the authorizer if it should be admitted' : 'add a rule to the policy if it should be admitted',
    ...(cause === undefined ? {} : { cause }),
  });
}

function likeAnyOf(parts: readonly Authorizer[], authorize: (peer: Peer, target: Target | undefined) => boolean): Authorizer {
  const lengths = parts.map(({ length }) => length);
  return withParameters(lengths.find((length) => length > 1) ?? Math.min(...lengths), authorize);
}

// How many parameters an authorizer has says at which gates it is asked.
function withParameters(count: number, authorize: (peer: Peer, target: Target | undefined) => boolean): Authorizer {
  if (count === 1) return (peer) => authorize(peer, undefined);
  return count === 0 ? (...[peer, target]) => authorize(peer, target) : (peer, target) => authorize(peer, target);
}

function checkAll(name: string, authorizers: readonly Authorizer[]): readonly Authorizer[] {
  if (authorizers.length === 0) throw invalid(`${name} needs at least one authorizer`);
  return authorizers.map(checkAuthorizer);
}

function toId(id: string | SpiffeId): SpiffeId {
  const wanted = id instanceof SpiffeId ? id : SpiffeId.parse(id);
  if (wanted.path !== '') return wanted;
  throw invalid(
    `no workload has the ID ${wanted}, which is that of its trust domain`,
    'use authorizeMemberOf to admit all of its workloads',
  );
}

function invalid(message: string, hint?: string): EphemosError {
  return new EphemosError('ERR_AUTHORIZER_INVALID', message, { hint });
}
