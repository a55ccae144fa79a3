import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coversPath, parseRoute, splitPath } from '../../src/authorize/rule-route.ts';
import { RouteTree } from '../../src/authorize/rule-tree.ts';
import { outcomeOf, refusalOf } from '../spiffe/certificates.ts';

describe('a route', () => {
  it.each<readonly [string, readonly string[], readonly string[]]>([
    ['/', ['/'], ['/a', '/a/']],
    ['/orders', ['/orders'], ['/', '/orders/', '/Orders', '/order', '/orders2', '/orders/7', '/%6Frders']],
    ['/orders/', ['/orders/'], ['/orders', '/orders/7']],
    ['/orders/:id', ['/orders/7', '/orders/a%20b', '/orders/;'], ['/orders', '/orders/', '/orders/7/', '/orders/7/8', '/Orders/7']],
    ['/*/admin', ['/a/admin'], ['/admin', '//admin', '/a/b/admin', '/a/Admin']],
    ['/files/**', ['/files', '/files/', '/files/a', '/files/a/b/'], ['/', '/files2', '/file', '/Files/a']],
    ['/a/:b/**', ['/a/x', '/a/x/', '/a/x/y/z'], ['/a', '/a/', '/b/x']],
    ['/**', ['/', '/a', '/a/b/'], []],
    ['/caf\u00e9', ['/caf%C3%A9'], ['/cafe', '/caf%E9', '/caf%C3%89']],
    ['/caf%c3%a9', ['/caf%C3%A9'], []],
    ['/%7Ejoe', ['/~joe'], ['/%7Ejoe']],
    ['/a%3Bb', ['/a%3Bb'], ['/a;b']],
    ['/a;b', ['/a;b'], ['/a%3Bb', '/a']],
    ['/things:batch', ['/things:batch'], ['/things', '/thingsx']],
  ])('%s covers %j and not %j', (text, covered, others) => {
    const route = parseRoute(text);
    expect([...covered, ...others].filter((path) => coversPath(route, splitPath(path)))).toEqual(covered);
  });

  it.each([
    ['', 'a route starts with "/"'],
    ['orders', 'a route starts with "/"'],
    ['**', 'a route starts with "/"'],
    ['/a//b', 'a route has no empty segment'],
    ['//', 'a route has no empty segment'],
    ['/a//**', 'a route has no empty segment'],
    ['/**/a', '"**" stands at the end of a route alone'],
    ['/:', '":" is not ":" and a name'],
    ['/:a-b', '":a-b" is not ":" and a name'],
    ['/:from-:to', '":from-:to" is not ":" and a name'],
    ['/:id?', '":id?" is not ":" and a name'],
    ['/:id(\\d+)', '":id(\\\\d+)" is not ":" and a name'],
    ['/*.js', '"*.js" holds characters that are none of a literal segment'],
    ['/files*', '"files*" holds characters that are none of a literal segment'],
    ['/{a}', '"{a}" holds characters that are none of a literal segment'],
    ['/a b', '"a b" holds characters that are none of a literal segment'],
    ['/a?b', '"a?b" holds characters that are none of a literal segment'],
    ['/a#b', '"a#b" holds characters that are none of a literal segment'],
    ['/a\\b', '"a\\\\b" holds characters that are none of a literal segment'],
    ['/a%', '"a%" holds characters that are none of a literal segment'],
    ['/a\n', '"a\\n" holds characters that are none of a literal segment'],
    ['/.', 'a path has no "." or ".." segment'],
    ['/a/../b', 'a path has no "." or ".." segment'],
    ['/a%2Fb', 'a path has no percent-encoded ".", "/", "\\" or control character, however often it is encoded'],
    ['/a%252fb', 'a path has no percent-encoded ".", "/", "\\" or control character, however often it is encoded'],
    ['/a%E9', 'the percent-encoding of a path is two hexadecimal digits each, and valid UTF-8'],
    ['/\ud800', 'a route holds well-formed Unicode'],
    [`/${'a'.repeat(1024)}`, 'a route is at most 1024 characters'],
  ])('is refused as %j', (text, message) => {
    expect(outcomeOf(() => parseRoute(text))).toBe('ERR_POLICY_INVALID');
    expect(refusalOf(() => parseRoute(text)).message).toBe(message);
  });
});

describe('a route tree', () => {
  it('finds the routes that cover a path, and no others', () => {
    const segment = fc.constantFrom('a', 'b', '*', ':x');
    const route = fc
      .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom('', '/', '/**'))
      .map(([segments, end]) => parseRoute(segments.length === 0 ? end.padStart(1, '/') : `/${segments.join('/')}${end}`));
    const path = fc
      .tuple(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 5 }), fc.boolean())
      .map(([segments, slash]) => splitPath(`/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`));
    fc.assert(
      fc.property(fc.array(route, { maxLength: 12 }), path, (routes, asked) => {
        const tree = new RouteTree<number>();
        for (const [index, { segments, rest }] of routes.entries()) tree.at(segments, rest).push(index);
        const found: number[] = [];
        tree.visit(asked, (index) => found.push(index));
        expect(found.toSorted((a, b) => a - b)).toEqual(
          [...routes.keys()].filter((index) => {
            const each = routes[index];
            return each !== undefined && coversPath(each, asked);
          }),
        );
      }),
      { numRuns: 1000 },
    );
  });
});
