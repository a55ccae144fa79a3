import { describe, expect, it } from 'vitest';
import { explainDecision, formatExplanation } from '../../src/authorize/explain.ts';
import { parsePolicy } from '../../src/authorize/policy.ts';
import { parseTarget } from '../../src/authorize/target-text.ts';
import { outcomeOf } from '../spiffe/certificates.ts';

const WEB = 'spiffe://example.org/web';
const policy = parsePolicy({
  rules: [
    { name: 'web reads orders', id: WEB, http: { method: 'GET', route: ['/orders', '/orders/:id'] } },
    { name: 'ops does all', id_prefix: 'spiffe://example.org/ops/' },
    { name: 'ops deletes', id: 'spiffe://example.org/ops/a', http: { method: 'DELETE', route: '/orders/:id' } },
    { name: 'pages', id: WEB, http: { route: '/:page' } },
    { name: 'calls', trust_domain: 'example.org', grpc: { service: 'orders.v1.Orders', method: ['Get', 'List'] } },
    { name: 'posts', id: WEB, http: { method: 'POST', route: '/orders' } },
  ],
});

function explain(peer: string, target: string): string {
  return formatExplanation(explainDecision(policy, peer, parseTarget(target)));
}

describe('an explanation', () => {
  it('names the rule that decides', () => {
    expect(explain(WEB, 'GET /orders')).toBe(
      'allowed: spiffe://example.org/web to GET /orders\n  by rule "web reads orders" (rules[0]), the first that allows it',
    );
  });

  it('names the places that its reader knows', () => {
    const placeOf = (index: number) => `policy.yaml:${index + 2}`;
    expect(formatExplanation(explainDecision(policy, WEB, parseTarget('GET /orders')), placeOf)).toContain('(policy.yaml:2)');
    expect(formatExplanation(explainDecision(policy, WEB, parseTarget('DELETE /orders/7')), placeOf)).toContain('"pages" (policy.yaml:5)');
  });

  it('of a denial names the rules that nearly allow it, those that miss least first, and what does not match', () => {
    expect(explain(WEB, 'DELETE /orders/7')).toBe(
      [
        'denied: spiffe://example.org/web to DELETE /orders/7',
        '  rules are for this peer, and none of them allows this target',
        '  rule "web reads orders" (rules[0]) does not allow it:',
        '    method: the rule names GET, not DELETE',
        '  rule "pages" (rules[3]) does not allow it:',
        '    route: the rule names /:page, not /orders/7',
        '  rule "calls" (rules[4]) does not allow it:',
        '    protocol: the rule names grpc, not http',
      ].join('\n'),
    );
  });

  it('says when no rule is for the peer, and which would be for the target', () => {
    expect(explain('spiffe://example.com/web', '/orders.v1.Orders/Get')).toBe(
      [
        'denied: spiffe://example.com/web to /orders.v1.Orders/Get',
        '  no rule is for this peer: it is refused at the connection',
        '  rule "ops does all" (rules[1]) does not allow it:',
        '    peer: the rule names id_prefix spiffe://example.org/ops/, not spiffe://example.com/web',
        '  rule "calls" (rules[4]) does not allow it:',
        '    peer: the rule names trust_domain example.org, not spiffe://example.com/web',
      ].join('\n'),
    );
  });

  it('says when the path is spelled unlike a route', () => {
    expect(explain(WEB, 'GET /Orders')).toBe(
      [
        'denied: spiffe://example.org/web to GET /Orders',
        '  the path is spelled unlike a route that a router may take it for: in case, encoding, a trailing "/" or after ";"',
        '  rule "web reads orders" (rules[0]) does not allow it:',
        '    route: the rule names /orders, /orders/:id, not /Orders',
        '  rule "pages" (rules[3]) does not allow it:',
        '    spelling: the route is /orders, not /Orders',
        '  rule "calls" (rules[4]) does not allow it:',
        '    protocol: the rule names grpc, not http',
      ].join('\n'),
    );
  });

  it('of a gRPC call names the service or the method', () => {
    const { nearest } = explainDecision(policy, WEB, parseTarget('/orders.v1.Orders/Delete'));
    expect(nearest[0]?.mismatches).toEqual([{ part: 'protocol', wanted: 'http', given: 'grpc' }]);
    expect(explain('spiffe://example.org/other', '/orders.v1.Orders/Delete')).toMatch(/method: the rule names Get, List, not Delete$/m);
    expect(explain('spiffe://example.org/other', '/orders.v2.Orders/Get')).toMatch(
      /service: the rule names orders.v1.Orders, not orders.v2.Orders$/m,
    );
  });

  it('is plain data', () => {
    const allowed = explainDecision(policy, WEB, parseTarget('GET /orders/7'));
    expect(JSON.parse(JSON.stringify(allowed))).toEqual({
      allowed: true,
      peer: WEB,
      target: 'GET /orders/7',
      reason: 'allowed',
      rule: 'web reads orders',
      index: 0,
      nearest: [],
    });
    const denied = explainDecision(policy, 'spiffe://example.com/x', parseTarget('PUT /a/b/c'));
    expect(JSON.parse(JSON.stringify(denied))).toEqual({
      allowed: false,
      peer: 'spiffe://example.com/x',
      target: 'PUT /a/b/c',
      reason: 'no_rule_for_peer',
      nearest: [
        {
          rule: 'ops does all',
          index: 1,
          mismatches: [{ part: 'peer', wanted: 'id_prefix spiffe://example.org/ops/', given: 'spiffe://example.com/x' }],
        },
      ],
    });
  });

  it('shows no more than five entries of a list', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `spiffe://example.org/${name}`);
    const many = parsePolicy({ rules: [{ name: 'many', id: ids }] });
    const { nearest } = explainDecision(many, WEB, parseTarget('GET /'));
    expect(nearest[0]?.mismatches[0]?.wanted).toBe(`id ${ids.slice(0, 5).join(', ')} and 2 more`);
  });

  it('of a peer that is none is refused', () => {
    expect(outcomeOf(() => explainDecision(policy, 'web', parseTarget('GET /')))).toBe('ERR_SPIFFE_ID_INVALID');
  });
});
