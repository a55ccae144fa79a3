import { type Authorizer, allOf, anyOf, authorizeId, authorizeMemberOf, authorizePath, type Peer, SpiffeId } from 'ephemos';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPolicy, createPolicyAuthorizer, type Policy, parsePolicy } from '../../src/authorize/policy.ts';
import { formatPath } from '../../src/authorize/policy-problem.ts';
import type { Target } from '../../src/authorize/target.ts';
import { parseTarget } from '../../src/authorize/target-text.ts';
import { outcomeOf, refusalOf } from '../spiffe/certificates.ts';

function peerOf(id: string): Peer {
  return Object.freeze({ id: SpiffeId.parse(id), chain: [], authority: new Uint8Array(), notBefore: 0, notAfter: 1, expiresAt: 1 });
}

const WEB = 'spiffe://example.org/web';

/** The rule that decides, or the reason of the denial. */
function verdict(policy: Policy, peer: string, target: string): string {
  const { allowed, rule, reason } = policy.decide(peerOf(peer), parseTarget(target));
  expect(allowed).toBe(rule !== undefined);
  return rule ?? reason;
}

describe('a policy', () => {
  const policy = parsePolicy({
    rules: [
      { name: 'web reads orders', id: WEB, http: { method: 'GET', route: ['/orders', '/orders/:id'] } },
      { name: 'web does more', id: [WEB, 'spiffe://example.org/web2'], http: { method: ['POST', 'GET'], route: '/orders' } },
      { name: 'payments', id_prefix: 'spiffe://example.org/ns/payments/', grpc: { service: 'orders.v1.Orders', method: '*' } },
      { name: 'calls', id: WEB, grpc: { service: ['orders.v1.Orders', 'orders.v1.Admin'], method: ['Get', 'List'] } },
      { name: 'reader', id: 'spiffe://example.org/reader', http: { method: 'GET' } },
      { name: 'static', id: 'spiffe://example.org/reader', http: { route: '/static/**' } },
      { name: 'both', id: 'spiffe://example.org/both', http: { route: '/a' }, grpc: { service: 'a.A', method: 'A' } },
      { name: 'ops', trust_domain: 'ops.example.org' },
      { name: 'all of example.org read the news', trust_domain: ['example.org', 'example.net'], http: { method: 'GET', route: '/news' } },
    ],
  });

  it.each([
    [WEB, 'GET /orders', 'web reads orders'],
    [WEB, 'HEAD /orders', 'web reads orders'],
    [WEB, 'GET /orders/7', 'web reads orders'],
    [WEB, 'POST /orders', 'web does more'],
    [WEB, 'POST /orders/7', 'no_rule_for_target'],
    [WEB, 'DELETE /orders', 'no_rule_for_target'],
    [WEB, 'GET /news', 'all of example.org read the news'],
    [WEB, 'GET /', 'no_rule_for_target'],
    ['spiffe://example.org/web2', 'GET /orders', 'web does more'],
    [WEB, '/orders.v1.Orders/Get', 'calls'],
    [WEB, '/orders.v1.Admin/List', 'calls'],
    [WEB, '/orders.v1.Admin/Delete', 'no_rule_for_target'],
    [WEB, '/orders.v1.orders/Get', 'no_rule_for_target'],
    [WEB, '/orders.v1.Orders/get', 'no_rule_for_target'],
    ['spiffe://example.org/ns/payments/a', '/orders.v1.Orders/Delete', 'payments'],
    ['spiffe://example.org/ns/payments/a/b', '/orders.v1.Orders/Delete', 'payments'],
    ['spiffe://example.org/ns/payments/a', '/orders.v1.Orders2/Delete', 'no_rule_for_target'],
    ['spiffe://example.org/ns/payments/a', 'GET /orders', 'no_rule_for_target'],
    ['spiffe://example.org/ns/payments', '/orders.v1.Orders/Delete', 'no_rule_for_target'],
    ['spiffe://example.org/ns/payments-evil/a', '/orders.v1.Orders/Delete', 'no_rule_for_target'],
    ['spiffe://example.org.evil/ns/payments/a', '/orders.v1.Orders/Delete', 'no_rule_for_peer'],
    ['spiffe://example.net/ns/payments/a', 'GET /news', 'all of example.org read the news'],
    ['spiffe://sub.example.org/web', 'GET /news', 'no_rule_for_peer'],
    ['spiffe://example.org/reader', 'GET /anything/at/all/', 'reader'],
    ['spiffe://example.org/reader', 'GET /ORDERS', 'reader'],
    ['spiffe://example.org/reader', 'POST /anything', 'no_rule_for_target'],
    ['spiffe://example.org/reader', 'POST /static/a', 'static'],
    ['spiffe://example.org/reader', '/orders.v1.Orders/Get', 'no_rule_for_target'],
    ['spiffe://example.org/both', 'DELETE /a', 'both'],
    ['spiffe://example.org/both', '/a.A/A', 'both'],
    ['spiffe://ops.example.org/x', 'DELETE /ORDERS/', 'ops'],
    ['spiffe://ops.example.org/x', '/any.Service/Any', 'ops'],
  ])('says to %s for %s: %s', (peer, target, expected) => {
    expect(verdict(policy, peer, target)).toBe(expected);
  });

  it.each([
    [WEB, true],
    ['spiffe://example.org/nobody-in-particular', true],
    ['spiffe://ops.example.org/x', true],
    ['spiffe://example.com/web', false],
    ['spiffe://sub.ops.example.org/web', false],
  ])('admits %s at the connection: %s', (peer, expected) => {
    expect(policy.admits(peerOf(peer))).toBe(expected);
  });

  it('without rules admits nobody', () => {
    const empty = parsePolicy({ rules: [] });
    expect(empty.admits(peerOf(WEB))).toBe(false);
    expect(verdict(empty, WEB, 'GET /')).toBe('no_rule_for_peer');
  });

  it('is decided by the first rule in the file that allows, however it names the peer', () => {
    const named = (order: readonly string[]) => {
      const peers: Readonly<Record<string, object>> = {
        id: { id: WEB },
        prefix: { id_prefix: 'spiffe://example.org/' },
        domain: { trust_domain: 'example.org' },
      };
      return parsePolicy({ rules: order.map((name) => ({ name, ...peers[name], http: { route: '/a/:b' } })) });
    };
    expect(verdict(named(['id', 'prefix', 'domain']), WEB, 'GET /a/b')).toBe('id');
    expect(verdict(named(['domain', 'prefix', 'id']), WEB, 'GET /a/b')).toBe('domain');
    expect(verdict(named(['prefix', 'id', 'domain']), WEB, 'GET /a/b')).toBe('prefix');
  });

  it('keeps its rules as they were when it was made', () => {
    const value = { rules: [{ name: 'a', id: [WEB], http: { method: ['GET'], route: '/a' } }] };
    const made = parsePolicy(value);
    value.rules[0]?.id.push('spiffe://example.org/evil');
    value.rules[0]?.http.method.push('POST');
    expect(made.admits(peerOf('spiffe://example.org/evil'))).toBe(false);
    expect(verdict(made, WEB, 'POST /a')).toBe('no_rule_for_target');
    expect(Object.isFrozen(made) && Object.isFrozen(made.rules) && Object.isFrozen(made.rules[0]?.peers)).toBe(true);
  });
});

describe('a path that routers read in several ways is denied to rules with a route:', () => {
  const policy = parsePolicy({
    rules: [
      { name: 'admin', id: 'spiffe://example.org/ops', http: { route: '/admin' } },
      { name: 'me', id: WEB, http: { route: '/users/me' } },
      { name: 'user', id: 'spiffe://example.org/ops', http: { route: '/users/:id' } },
      { name: 'tree', id: WEB, http: { route: '/users/**' } },
      { name: 'page', id: WEB, http: { route: '/:page' } },
      { name: 'caf\u00e9', id: WEB, http: { route: '/caf\u00e9/x' } },
      { name: 'root', id: WEB, http: { route: '/' } },
      { name: 'down', id: WEB, http: { route: '/x/y/' } },
      { name: 'free', id: 'spiffe://example.org/free' },
    ],
  });

  it.each([
    ['GET /about', 'page'],
    ['GET /About', 'page'],
    ['GET /%61bout', 'page'],
    ['GET /admin', 'page'],
    ['GET /Admin', 'ambiguous_target'],
    ['GET /%61dmin', 'ambiguous_target'],
    ['GET /admin;x', 'ambiguous_target'],
    ['GET /admin/', 'ambiguous_target'],
    ['GET /admin%20', 'page'],
    ['GET /about/', 'ambiguous_target'],
    ['GET /users/me', 'me'],
    ['GET /users/joe', 'tree'],
    ['GET /users/m%65', 'ambiguous_target'],
    ['GET /users/ME', 'ambiguous_target'],
    ['GET /users/', 'ambiguous_target'],
    ['GET /users/joe/x', 'tree'],
    ['GET /USERS/joe/x', 'ambiguous_target'],
    ['GET /caf%C3%A9/x', 'caf\u00e9'],
    ['GET /caf%C3%89/x', 'ambiguous_target'],
    ['GET /', 'root'],
    ['GET /x/y/', 'down'],
    ['GET /x/y', 'ambiguous_target'],
    ['GET /;a', 'ambiguous_target'],
  ])('%s: %s', (target, expected) => {
    expect(verdict(policy, WEB, target)).toBe(expected);
    expect(verdict(policy, 'spiffe://example.org/free', target)).toBe('free');
  });
});

describe('a policy is the same, found by index or read rule by rule', () => {
  const peers = ['spiffe://a/x', 'spiffe://a/n/x', 'spiffe://a/n/m/x', 'spiffe://b/x', 'spiffe://c/x'];
  const peerPart = fc.constantFrom<object>(
    { id: 'spiffe://a/x' },
    { id: ['spiffe://b/x', 'spiffe://a/n/x'] },
    { id_prefix: 'spiffe://a/' },
    { id_prefix: ['spiffe://a/n/', 'spiffe://b/'] },
    { trust_domain: 'a' },
    { trust_domain: ['a', 'b'] },
  );
  const route = fc
    .tuple(fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 3 }), fc.constantFrom('', '', '/', '/**'))
    .map(([segments, end]) => (segments.length === 0 ? end.padStart(1, '/') : `/${segments.join('/')}${end}`));
  const targetPart = fc.oneof(
    fc.constant<object>({}),
    fc.record({ http: fc.record({ method: fc.constantFrom('GET', ['GET', 'POST']) }) }),
    fc.record({ http: fc.record({ route }) }),
    fc.record({ http: fc.record({ route: fc.array(route, { minLength: 1, maxLength: 2 }), method: fc.constantFrom('GET', 'POST') }) }),
    fc.record({ grpc: fc.record({ service: fc.constantFrom('a', ['a', 'b']), method: fc.constantFrom('*', 'M', ['M', 'N']) }) }),
  );
  const target = fc.oneof(
    fc
      .tuple(
        fc.constantFrom('GET', 'POST'),
        fc.array(fc.constantFrom('a', 'A', 'b', '%61', 'c', 'a;b'), { maxLength: 4 }),
        fc.constantFrom('', '/', ';'),
      )
      .map(([method, segments, end]) => `${method} ${segments.length === 0 ? '/' : `/${segments.join('/')}${end}`}`),
    fc.constantFrom('/a/M', '/a/N', '/b/M', '/c/M'),
  );

  type Segments = readonly string[];
  const split = (path: string): Segments => path.slice(1).split('/');
  const trim = (segments: Segments): Segments => (segments.at(-1) === '' ? segments.slice(0, -1) : segments);

  function covers(route: Segments, path: Segments, empty: boolean): boolean {
    const wanted = route.at(-1) === '**' ? route.slice(0, -1) : route;
    const length = wanted === route ? path.length === wanted.length : path.length >= wanted.length;
    return length && wanted.every((segment, index) => (segment === '*' ? empty || path[index] !== '' : segment === path[index]));
  }

  /** What Express, Fastify and Hono may read as the route, one by one. */
  function taken(route: string, path: string, slash: boolean): boolean {
    return [path, path.replace(/;.*/, '')].some((each) => {
      const reading = split(decodeURIComponent(each).toLowerCase());
      const wanted = trim(split(route));
      return covers(wanted, trim(reading), false) || (reading.at(-1) === '' && !slash && covers(wanted, reading, true));
    });
  }

  it('by anyone for anything', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(peerPart, targetPart), { maxLength: 8 }), fc.constantFrom(...peers), target, (parts, peer, text) => {
        const value = { rules: parts.map(([whom, what], index) => ({ name: `${index}`, ...whom, ...what })) };
        fc.pre(checkPolicy(value).length === 0);
        const policy = parsePolicy(value);
        const asked = parseTarget(text);
        const routes = policy.rules.flatMap(({ http }) => http?.routes ?? []).map((each) => each.text);
        const path = asked.protocol === 'http' ? asked.rawPath : '';
        const exact = (each: string) => covers(split(each), split(path), false);
        const slash = routes.some((each) => each.endsWith('/') && exact(each));
        const ambiguous = asked.protocol === 'http' && routes.some((each) => taken(each, path, slash) && !exact(each));
        const expected = policy.rules.find(({ peerKind, peers: names, http, grpc }) => {
          const forPeer =
            peerKind === 'id'
              ? names.includes(peer)
              : names.some((name) => peer.startsWith(peerKind === 'id_prefix' ? name : `spiffe://${name}/`));
          if (!forPeer || (http === undefined && grpc === undefined)) return forPeer;
          if (asked.protocol === 'grpc') {
            return grpc?.services.includes(asked.service) === true && (grpc.methods?.includes(asked.method) ?? true);
          }
          if (http === undefined || !(http.methods?.includes(asked.method) ?? true)) return false;
          return http.routes === undefined || (!ambiguous && http.routes.some((each) => exact(each.text)));
        });
        const decision = policy.decide(peerOf(peer), asked);
        expect([decision.rule, decision.allowed]).toEqual([expected?.name, expected !== undefined]);
        expect(policy.admits(peerOf(peer))).toBe(decision.reason !== 'no_rule_for_peer');
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a policy and an authorizer name the same peers:', () => {
  const segment = fc.constantFrom('a', 'ab', 'b', 'A');
  const id = fc
    .tuple(fc.constantFrom('example.org', 'example.org.evil', 'sub.example.org'), fc.array(segment, { minLength: 1, maxLength: 3 }))
    .map(([name, path]) => `spiffe://${name}/${path.join('/')}`);

  it.each<readonly [string, (text: string) => object, (text: string) => Authorizer]>([
    ['id and authorizeId', (text) => ({ id: text }), authorizeId],
    ['id_prefix and authorizePath', (text) => ({ id_prefix: `${text}/` }), (text) => authorizePath(`${text}/`)],
    [
      'trust_domain and authorizeMemberOf',
      (text) => ({ trust_domain: text.split('/')[2] }),
      (text) => authorizeMemberOf(text.split('/')[2] ?? ''),
    ],
  ])('%s', (_what, part, authorizer) => {
    fc.assert(
      fc.property(id, id, (named, asking) => {
        const policy = parsePolicy({ rules: [{ name: 'a', ...part(named) }] });
        expect(policy.admits(peerOf(asking))).toBe(authorizer(named)(peerOf(asking)));
      }),
    );
  });
});

describe('the authorizer of a policy', () => {
  const policy = parsePolicy({ rules: [{ name: 'a', id: WEB, http: { route: '/a' } }] });
  const authorize = createPolicyAuthorizer(policy);

  it('is the first gate without a target and the second with one', () => {
    expect(authorize(peerOf(WEB))).toBe(true);
    expect(authorize(peerOf('spiffe://example.org/x'))).toBe(false);
    expect(authorize(peerOf(WEB), parseTarget('GET /a'))).toBe(true);
    expect(authorize(peerOf(WEB), parseTarget('GET /b'))).toBe(false);
  });

  it('stands wherever an authorizer of one argument does, and the other way round', () => {
    const first: Authorizer = authorize;
    const second: Authorizer = authorizeId(WEB);
    expect(allOf(anyOf(first), authorizeId(WEB))(peerOf(WEB))).toBe(true);
    const target: Target = parseTarget('GET /b');
    expect(second(peerOf(WEB), target)).toBe(true);
  });
});

describe('a policy is refused for', () => {
  const rule = (part: object) => ({ rules: [{ name: 'a', id: WEB, ...part }] });
  it.each<readonly [string, unknown, string, string, string?]>([
    ['nothing', undefined, '', 'expected a mapping with the keys rules, and found nothing'],
    ['an empty file', null, '', 'expected a mapping with the keys rules, and found an empty value'],
    ['a list', [], '', 'expected a mapping with the keys rules, and found a list'],
    ['a text', 'rules', '', 'expected a mapping with the keys rules, and found a text'],
    ['no rules', {}, 'rules', 'expected a list of rules, and found nothing', 'write "rules: []" for a policy that admits nobody'],
    [
      'empty rules',
      { rules: null },
      'rules',
      'expected a list of rules, and found an empty value',
      'write "rules: []" for a policy that admits nobody',
    ],
    [
      'a rule in place of rules',
      { rules: { name: 'a' } },
      'rules',
      'expected a list of rules, and found a mapping',
      'write "rules: []" for a policy that admits nobody',
    ],
    ['an unknown key', { rule: [] }, 'rule', 'unknown key "rule"', 'did you mean "rules"?'],
    ['too many rules', { rules: new Array(10_001).fill(null) }, 'rules', 'a policy has at most 10000 rules'],
    [
      'an empty rule',
      { rules: [null] },
      'rules[0]',
      'expected a mapping with the keys name, id, id_prefix, trust_domain, http, grpc, and found an empty value',
    ],
    [
      'a rule that is a text',
      { rules: [WEB] },
      'rules[0]',
      'expected a mapping with the keys name, id, id_prefix, trust_domain, http, grpc, and found a text',
    ],
    ['an unknown key of a rule', rule({ htpp: {} }), 'rules[0].htpp', 'unknown key "htpp"', 'did you mean "http"?'],
    ['a key in the plural', rule({ names: {} }), 'rules[0].names', 'unknown key "names"', 'did you mean "name"?'],
    [
      'a key in camel case',
      rule({ trustDomain: 'a' }),
      'rules[0].trustDomain',
      'unknown key "trustDomain"',
      'did you mean "trust_domain"?',
    ],
    ['a denial', rule({ deny: true }), 'rules[0].deny', 'unknown key "deny"', 'the keys are name, id, id_prefix, trust_domain, http, grpc'],
    [
      'an inherited key',
      rule(Object.defineProperty({}, '__proto__', { value: 1, enumerable: true })),
      'rules[0].__proto__',
      'unknown key "__proto__"',
      'the keys are name, id, id_prefix, trust_domain, http, grpc',
    ],
    ['no name', { rules: [{ id: WEB }] }, 'rules[0].name', 'the name of a rule is a text, and this is nothing'],
    ['a number as a name', rule({ name: 7 }), 'rules[0].name', 'the name of a rule is a text, and this is a number'],
    [
      'an empty name',
      rule({ name: '' }),
      'rules[0].name',
      'the name of a rule is 1 to 128 characters, without control characters and without spaces at its ends',
    ],
    [
      'a long name',
      rule({ name: 'a'.repeat(129) }),
      'rules[0].name',
      'the name of a rule is 1 to 128 characters, without control characters and without spaces at its ends',
    ],
    [
      'a name of two lines',
      rule({ name: 'a\nb' }),
      'rules[0].name',
      'the name of a rule is 1 to 128 characters, without control characters and without spaces at its ends',
    ],
    ['no peers', { rules: [{ name: 'a' }] }, 'rules[0]', 'a rule names its peers', 'add one of id, id_prefix, trust_domain'],
    ['empty peers', rule({ id: null }), 'rules[0].id', 'expected a text or a list of texts, and found an empty value'],
    ['a list without peers', rule({ id: [] }), 'rules[0].id', 'id names nothing', 'leave the key out, or name something'],
    [
      'two ways to name peers',
      rule({ trust_domain: 'example.org' }),
      'rules[0].trust_domain',
      'a rule names its peers in one way, and here is id too',
      'write a rule for each',
    ],
    [
      'an ID that is none',
      rule({ id: [WEB, 'example.org/web'] }),
      'rules[0].id[1]',
      'a SPIFFE ID starts with "spiffe://"',
      'write it as "spiffe://<trust domain>/<path>"',
    ],
    ['an ID that is a number', rule({ id: [7] }), 'rules[0].id[0]', 'expected a text, and found a number'],
    [
      'an ID with a wild card',
      rule({ id: 'spiffe://example.org/*' }),
      'rules[0].id',
      'an id is one whole SPIFFE ID',
      'write id_prefix for all IDs below a path that ends in "/"',
    ],
    [
      'an ID that ends in "/"',
      rule({ id: 'spiffe://example.org/ns/' }),
      'rules[0].id',
      'an id is one whole SPIFFE ID',
      'write id_prefix for all IDs below a path that ends in "/"',
    ],
    [
      'the ID of a trust domain',
      rule({ id: 'spiffe://example.org' }),
      'rules[0].id',
      'no workload has the ID spiffe://example.org, which is that of its trust domain',
      'write trust_domain: example.org',
    ],
    [
      'a prefix without its "/"',
      { rules: [{ name: 'a', id_prefix: 'spiffe://example.org/ns' }] },
      'rules[0].id_prefix',
      'an id_prefix ends in "/"',
      'write "spiffe://example.org/ns/", or id for one ID',
    ],
    [
      'a prefix with an empty segment',
      { rules: [{ name: 'a', id_prefix: 'spiffe://example.org/ns//' }] },
      'rules[0].id_prefix',
      'a path has no trailing "/"',
      'remove the last "/"',
    ],
    [
      'a trust domain with a wild card',
      { rules: [{ name: 'a', trust_domain: '*.example.org' }] },
      'rules[0].trust_domain',
      'a trust domain holds only a-z, 0-9, ".", "-" and "_"; character 1 is none of them',
    ],
    ['an empty http', rule({ http: null }), 'rules[0].http', 'expected a mapping with the keys method, route, and found an empty value'],
    [
      'http that names nothing',
      rule({ http: {} }),
      'rules[0].http',
      'http names a method or a route',
      'leave http and grpc out to allow everything',
    ],
    [
      'an unknown key of http',
      rule({ http: { methods: 'GET', route: '/' } }),
      'rules[0].http.methods',
      'unknown key "methods"',
      'did you mean "method"?',
    ],
    [
      'an empty route',
      rule({ http: { route: null } }),
      'rules[0].http.route',
      'expected a text or a list of texts, and found an empty value',
    ],
    [
      'a list without routes',
      rule({ http: { route: [] } }),
      'rules[0].http.route',
      'route names nothing',
      'leave the key out, or name something',
    ],
    ['a route that is none', rule({ http: { route: ['/', 'a'] } }), 'rules[0].http.route[1]', 'a route starts with "/"', 'write "/a"'],
    ['a method in small letters', rule({ http: { method: 'get' } }), 'rules[0].http.method', 'a method is in capitals', 'write "GET"'],
    ['HEAD', rule({ http: { method: ['HEAD'] } }), 'rules[0].http.method[0]', 'HEAD counts as GET', 'write "GET"'],
    ['CONNECT', rule({ http: { method: 'CONNECT' } }), 'rules[0].http.method', 'CONNECT asks for a tunnel, and there is none'],
    [
      '"*" as a method',
      rule({ http: { method: '*' } }),
      'rules[0].http.method',
      '"*" is no method',
      'leave method out to allow every method',
    ],
    ['an empty grpc', rule({ grpc: null }), 'rules[0].grpc', 'expected a mapping with the keys service, method, and found an empty value'],
    [
      'grpc without a service',
      rule({ grpc: { method: '*' } }),
      'rules[0].grpc.service',
      'grpc names a service',
      'write it as "orders.v1.Orders"',
    ],
    [
      'grpc without a method',
      rule({ grpc: { service: 'a.A' } }),
      'rules[0].grpc.method',
      'grpc names its methods',
      'write "*" for all of them',
    ],
    [
      '"*" as a service',
      rule({ grpc: { service: '*', method: '*' } }),
      'rules[0].grpc.service',
      'a service is the full name of a gRPC service, without wild cards',
      'write it as "orders.v1.Orders"',
    ],
    [
      'a service with a "/"',
      rule({ grpc: { service: '/a.A', method: '*' } }),
      'rules[0].grpc.service',
      'a service is the full name of a gRPC service, without wild cards',
      'write it as "orders.v1.Orders"',
    ],
    [
      '"*" among methods',
      rule({ grpc: { service: 'a.A', method: ['A', '*'] } }),
      'rules[0].grpc.method[1]',
      'a method is the name of a gRPC method',
      'write "*", alone, for all of them',
    ],
    ['a list that is too long', rule({ id: new Array(1001).fill(WEB) }), 'rules[0].id', 'a list in a rule has at most 1000 entries'],
  ])('%s', (_what, value, path, message, hint) => {
    expect(checkPolicy(value).map((problem) => [formatPath(problem.path), problem.message, problem.hint])).toEqual([[path, message, hint]]);
    expect(outcomeOf(() => parsePolicy(value))).toBe('ERR_POLICY_INVALID');
  });

  it('a name that another rule has', () => {
    const problems = checkPolicy({
      rules: [
        { name: 'a', id: WEB },
        { name: 'b', id: WEB },
        { name: 'a', id: WEB },
      ],
    });
    expect(problems.map(({ path, message }) => [formatPath(path), message])).toEqual([['rules[2].name', 'rules[0] has this name too']]);
  });

  it.each([
    ['/orders', '/Orders'],
    ['/orders', '/orders/'],
    ['/orders/:id', '/ORDERS/*'],
    ['/caf\u00e9', '/caf%C3%89'],
    ['/orders/**', '/Orders/**'],
    ['/a!b', '/a%21b'],
  ])('routes that differ in spelling alone: %s and %s', (one, other) => {
    const problems = checkPolicy({
      rules: [
        { name: 'a', id: WEB, http: { route: one } },
        { name: 'b', id: WEB, http: { route: ['/x', other] } },
      ],
    });
    expect(problems.map(({ path, message }) => [formatPath(path), message])).toEqual([
      ['rules[1].http.route', `"${other}" differs from "${one}" of rules[0].http.route only in case, encoding or a trailing "/"`],
    ]);
  });

  it('every problem it has, each at its place; the error says the first and how many more', () => {
    const value = {
      rules: [{ name: 'a', id: 'web', http: { metod: 'GET', route: 'a' } }, 7, { name: 'a', id_prefix: 'spiffe://example.org', grpc: {} }],
      extra: 1,
    };
    expect(checkPolicy(value).map(({ path }) => formatPath(path))).toEqual([
      'extra',
      'rules[0].id',
      'rules[0].http.metod',
      'rules[0].http.route',
      'rules[1]',
      'rules[2].id_prefix',
      'rules[2].grpc.service',
      'rules[2].grpc.method',
      'rules[2].name',
    ]);
    const refusal = refusalOf(() => parsePolicy(value));
    expect([refusal.message, refusal.hint]).toEqual(['extra: unknown key "extra" (and 8 more)', 'the keys are rules']);
  });

  it('nothing it could not be written for: any plain value is a policy or a list of problems', () => {
    const key = fc.constantFrom('rules', 'name', 'id', 'id_prefix', 'trust_domain', 'http', 'grpc', 'method', 'route', 'service', 'x');
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom<unknown>(null, undefined, true, 7, '', '*', 'GET', '/', '/a/**', 'a.A', WEB, `${WEB}/`, 'example.org'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, value, (whole, part) => {
        for (const each of [whole, { rules: whole }, { rules: [whole, part] }]) {
          const problems = checkPolicy(each);
          expect(outcomeOf(() => parsePolicy(each))).toBe(problems.length === 0 ? 'accepted' : 'ERR_POLICY_INVALID');
        }
      }),
      { numRuns: 1000 },
    );
  });
});
