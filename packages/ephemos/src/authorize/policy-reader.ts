// Plain values from a file in, checked rules and every problem of them out.
import { EphemosError } from '../errors.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import type { PeerKind } from './peer-index.ts';
import { formatPath, kindOf, Place, type PolicyProblem } from './policy-problem.ts';
import type { GrpcPart, HttpPart, Rule } from './rule.ts';
import { parseRoute, type RoutePattern } from './rule-route.ts';
import { RouteTree } from './rule-tree.ts';
import { GRPC_METHOD, GRPC_SERVICE } from './target-grpc.ts';
import { parseHttpTarget } from './target-http.ts';

/** A policy has at most this many rules. */
export const MAX_RULES = 10_000;
/** The name of a rule is at most this many characters. */
export const MAX_RULE_NAME_LENGTH = 128;
/** A list in a rule has at most this many entries. */
export const MAX_RULE_LIST = 1_000;

/** Reads `{ rules: [...] }`. The rules are of use only when there are no problems. */
export function readPolicy(value: unknown): { readonly rules: readonly Rule[]; readonly problems: readonly PolicyProblem[] } {
  const problems: PolicyProblem[] = [];
  const top = new Place(problems);
  const rules: Rule[] = [];
  const listed = top.mapping(value, ['rules'])?.['rules'];
  const place = top.at('rules');
  if (Array.isArray(listed) && listed.length <= MAX_RULES) {
    const spellings = new RouteTree<Spelling>();
    const names = new Map<string, number>();
    for (const [index, each] of listed.entries()) {
      const rule = readRule(each, place.at(index));
      if (rule === undefined) continue;
      checkUnique(rule.name, index, names, place.at(index).at('name'));
      checkSpelling(rule.http?.routes ?? [], spellings, place.at(index).at('http').at('route'));
      rules.push(rule);
    }
  } else if (Array.isArray(listed)) {
    place.report(`a policy has at most ${MAX_RULES} rules`);
  } else if (problems.length === 0) {
    place.report(`expected a list of rules, and found ${kindOf(listed)}`, 'write "rules: []" for a policy that admits nobody');
  }
  return { rules, problems };
}

const peerKinds = ['id', 'id_prefix', 'trust_domain'] as const;
const parsePeer: Readonly<Record<PeerKind, (text: string) => string>> = {
  id: parseId,
  id_prefix: parseIdPrefix,
  trust_domain: (text) => TrustDomain.parse(text).name,
};

function readRule(value: unknown, place: Place): Rule | undefined {
  const fields = place.mapping(value, ['name', ...peerKinds, 'http', 'grpc']);
  if (fields === undefined) return undefined;
  const name = readName(fields['name'], place.at('name'));
  const [kind, ...more] = peerKinds.filter((each) => Object.hasOwn(fields, each));
  if (kind === undefined) place.report('a rule names its peers', `add one of ${peerKinds.join(', ')}`);
  // Whether two of them narrow or widen each other is not to be guessed.
  for (const each of more) place.at(each).report(`a rule names its peers in one way, and here is ${kind} too`, 'write a rule for each');
  const peers = kind === undefined ? undefined : readList(fields, kind, place, parsePeer[kind]);
  const http = Object.hasOwn(fields, 'http') ? readHttp(fields['http'], place.at('http')) : undefined;
  const grpc = Object.hasOwn(fields, 'grpc') ? readGrpc(fields['grpc'], place.at('grpc')) : undefined;
  return Object.freeze({ name, peerKind: kind ?? 'id', peers: peers ?? [], http, grpc });
}

function readHttp(value: unknown, place: Place): HttpPart | undefined {
  const fields = place.mapping(value, ['method', 'route']);
  if (fields === undefined) return undefined;
  const methods = readList(fields, 'method', place, parseMethod);
  const routes = readList(fields, 'route', place, parseRoute);
  if (methods === undefined && routes === undefined) {
    place.report('http names a method or a route', 'leave http and grpc out to allow everything');
  }
  return Object.freeze({ methods, routes });
}

function readGrpc(value: unknown, place: Place): GrpcPart | undefined {
  const fields = place.mapping(value, ['service', 'method']);
  if (fields === undefined) return undefined;
  const services = readList(fields, 'service', place, parseService);
  if (services === undefined) place.at('service').report('grpc names a service', 'write it as "orders.v1.Orders"');
  const all = fields['method'] === '*';
  const methods = all ? undefined : readList(fields, 'method', place, parseGrpcMethod);
  if (methods === undefined && !all) place.at('method').report('grpc names its methods', 'write "*" for all of them');
  return Object.freeze({ services: services ?? [], methods });
}

function readName(value: unknown, place: Place): string {
  if (typeof value !== 'string') {
    place.report(`the name of a rule is a text, and this is ${kindOf(value)}`);
  } else if (value.length > MAX_RULE_NAME_LENGTH || !/^[^\p{C}]+$/u.test(value) || value.trim() !== value) {
    place.report(
      `the name of a rule is 1 to ${MAX_RULE_NAME_LENGTH} characters, without control characters and without spaces at its ends`,
    );
  } else {
    return value;
  }
  return '';
}

/** One text or a list of them, each parsed. `undefined` when the key is absent; an empty list is a problem, as it would match nothing. */
function readList<T>(
  fields: Readonly<Record<string, unknown>>,
  key: string,
  parent: Place,
  parse: (text: string) => T,
): readonly T[] | undefined {
  if (!Object.hasOwn(fields, key)) return undefined;
  const value = fields[key];
  const place = parent.at(key);
  const several = Array.isArray(value);
  const entries: readonly unknown[] = several ? value : [value];
  if (entries.length === 0) place.report(`${key} names nothing`, 'leave the key out, or name something');
  if (entries.length > MAX_RULE_LIST) place.report(`a list in a rule has at most ${MAX_RULE_LIST} entries`);
  const parsed: T[] = [];
  for (const [index, entry] of entries.slice(0, MAX_RULE_LIST).entries()) {
    const at = several ? place.at(index) : place;
    if (typeof entry !== 'string') {
      at.report(`expected a text${several ? '' : ' or a list of texts'}, and found ${kindOf(entry)}`);
      continue;
    }
    const result = at.parse(() => parse(entry));
    if (result !== undefined) parsed.push(result);
  }
  return Object.freeze(parsed);
}

function parseId(text: string): string {
  if (/[*]|.\/$/.test(text)) throw invalid('an id is one whole SPIFFE ID', 'write id_prefix for all IDs below a path that ends in "/"');
  const id = SpiffeId.parse(text);
  if (id.path !== '') return id.toString();
  throw invalid(`no workload has the ID ${id}, which is that of its trust domain`, `write trust_domain: ${id.trustDomain}`);
}

function parseIdPrefix(text: string): string {
  if (!text.endsWith('/')) throw invalid('an id_prefix ends in "/"', `write ${JSON.stringify(`${text}/`)}, or id for one ID`);
  return `${SpiffeId.parse(text.slice(0, -1))}/`;
}

function parseMethod(text: string): string {
  if (text === '*') throw invalid('"*" is no method', 'leave method out to allow every method');
  if (text === 'HEAD') throw invalid('HEAD counts as GET', 'write "GET"');
  if (text !== text.toUpperCase()) throw invalid('a method is in capitals', `write ${JSON.stringify(text.toUpperCase())}`);
  try {
    return parseHttpTarget(text, '/').method;
  } catch (error) {
    throw error instanceof EphemosError ? invalid(error.message, error.hint) : error;
  }
}

function parseService(text: string): string {
  if (GRPC_SERVICE.test(text)) return text;
  throw invalid('a service is the full name of a gRPC service, without wild cards', 'write it as "orders.v1.Orders"');
}

function parseGrpcMethod(text: string): string {
  if (GRPC_METHOD.test(text)) return text;
  throw invalid('a method is the name of a gRPC method', 'write "*", alone, for all of them');
}

function checkUnique(name: string, index: number, names: Map<string, number>, place: Place): void {
  const other = names.get(name);
  if (other !== undefined)
    place.report(`${formatPath(['rules', other])} has this name too`, 'names are unique: they stand in logs and metrics');
  else if (name !== '') names.set(name, index);
}

interface Spelling {
  readonly route: RoutePattern;
  readonly path: readonly (string | number)[];
}

/** Routers take two spellings for one route or for two, so that a rule for the one could open the other. */
function checkSpelling(routes: readonly RoutePattern[], spellings: RouteTree<Spelling>, place: Place): void {
  for (const route of routes) {
    const others = spellings.at(route.folded, route.rest);
    const other = others[0];
    if (other === undefined) others.push({ route, path: place.path });
    else if (
      route.segments.some((segment, index) => segment !== other.route.segments[index]) ||
      route.segments.length !== other.route.segments.length
    ) {
      place.report(
        `${JSON.stringify(route.text)} differs from ${JSON.stringify(other.route.text)} of ${formatPath(other.path)} only in case, encoding or a trailing "/"`,
        'routers do not agree whether these are one route: spell them alike',
      );
    }
  }
}

function invalid(message: string, hint?: string): EphemosError {
  return new EphemosError('ERR_POLICY_INVALID', message, { hint });
}
