// Who is admitted: a verified peer in, true or not out. Only `true` admits; a throw, a promise and undefined deny.
import { EphemosError } from '../errors.ts';
import type { Peer } from '../spiffe/peer.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';

/**
 * Decides whether a verified peer is admitted. It runs inside the handshake, so it answers at once: a promise does not compile and is denied.
 * @example
 * const payments: Authorizer = ({ id }) => id.path.startsWith('/ns/payments/');
 */
export type Authorizer = (peer: Peer) => boolean;

/**
 * Admits one SPIFFE ID.
 * @throws {EphemosError} ERR_SPIFFE_ID_INVALID; ERR_AUTHORIZER_INVALID for an ID without a path, which no workload has
 */
export function authorizeId(id: string | SpiffeId): Authorizer {
  const wanted = toId(id);
  return ({ id: given }) => given.equals(wanted);
}

/**
 * Admits the SPIFFE IDs of a list.
 * @throws {EphemosError} ERR_SPIFFE_ID_INVALID; ERR_AUTHORIZER_INVALID when the list is empty, which would be a lock without a key
 */
export function authorizeOneOf(ids: Iterable<string | SpiffeId>): Authorizer {
  const wanted = new Set(Array.from(ids, (id) => toId(id).toString()));
  if (wanted.size === 0) throw invalid('authorizeOneOf needs at least one SPIFFE ID');
  return ({ id }) => wanted.has(id.toString());
}

/** Admits every workload of a trust domain. */
export function authorizeMemberOf(trustDomain: string | TrustDomain): Authorizer {
  const wanted = trustDomain instanceof TrustDomain ? trustDomain : TrustDomain.parse(trustDomain);
  return ({ id }) => id.isMemberOf(wanted);
}

/**
 * Admits every workload of a trust domain below a path.
 * @param prefix a trust domain and a path that ends in `/`, such as `spiffe://example.org/ns/payments/`
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID when the prefix does not end in `/`: `/ns/pay` would admit `/ns/payments-evil`
 */
export function authorizePath(prefix: string): Authorizer {
  if (!prefix.endsWith('/'))
    throw invalid('the prefix of authorizePath must end in "/"', `write ${JSON.stringify(`${prefix}/`)}, or authorizeId for one ID`);
  const { trustDomain, path } = SpiffeId.parse(prefix.slice(0, -1));
  const below = `${path}/`;
  return ({ id }) => id.isMemberOf(trustDomain) && id.path.startsWith(below);
}

/**
 * Admits whom every one of the authorizers admits.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID when there is none
 */
export function allOf(...authorizers: readonly Authorizer[]): Authorizer {
  const checked = checkAll('allOf', authorizers);
  return (peer) => checked.every((authorize) => authorize(peer));
}

/**
 * Admits whom at least one of the authorizers admits.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID when there is none
 */
export function anyOf(...authorizers: readonly Authorizer[]): Authorizer {
  const checked = checkAll('anyOf', authorizers);
  return (peer) => checked.some((authorize) => authorize(peer));
}

/**
 * Admits whom the authorizer denies, and only when it plainly says `false`: its failure admits nobody.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID
 */
export function not(authorizer: Authorizer): Authorizer {
  const checked = checkAuthorizer(authorizer);
  return (peer) => !checked(peer);
}

/** Admits every verified workload of every trust domain that we have a bundle of. Loud on purpose: look for it in reviews. */
export function authorizeAny(): Authorizer {
  return () => true;
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
  return (peer) => {
    const answer: unknown = value(peer);
    if (typeof answer === 'boolean') return answer;
    // It is not waited for, but its failure must not end the process.
    if (answer instanceof Promise) answer.catch(() => undefined);
    throw new TypeError('the authorizer returned something other than a boolean');
  };
}

/** Runs an authorizer that {@link checkAuthorizer} returned. Never throws: what is not plainly `true` is a refusal, with its reason. */
export function decide(authorize: Authorizer, peer: Peer): EphemosError | undefined {
  try {
    return authorize(peer) === true ? undefined : unauthorized(peer, undefined);
  } catch (error) {
    return unauthorized(peer, error);
  }
}

function unauthorized(peer: Peer, cause: unknown): EphemosError {
  return new EphemosError('ERR_PEER_UNAUTHORIZED', `the authorizer does not admit ${peer.id}`, {
    hint: 'add it to the authorizer if it should be admitted',
    ...(cause === undefined ? {} : { cause }),
  });
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
