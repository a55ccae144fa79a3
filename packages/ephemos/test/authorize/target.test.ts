import { EphemosError } from 'ephemos';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGrpcTarget } from '../../src/authorize/target-grpc.ts';
import { MAX_TARGET_BYTES, parseHttpTarget } from '../../src/authorize/target-http.ts';
import type { RequestHead } from '../../src/authorize/target-request.ts';
import { parseRequestTarget } from '../../src/authorize/target-request.ts';
import { formatTarget, parseTarget } from '../../src/authorize/target-text.ts';
import { costOf, outcomeOf, refusalOf } from '../spiffe/certificates.ts';
import { untyped } from '../support/untyped.ts';

const REFUSED = 'ERR_TARGET_INVALID';

describe('parseHttpTarget reads', () => {
  it.each([
    ['/', '/', '/'],
    ['/orders', '/orders', '/orders'],
    ['/orders/', '/orders/', '/orders/'],
    ['/Orders', '/Orders', '/Orders'],
    ['/orders?a=b', '/orders', '/orders'],
    ['/orders?a=/../b//%2e%zz\\', '/orders', '/orders'],
    ['/?', '/', '/'],
    ['/%7ejoe', '/~joe', '/%7ejoe'],
    ['/%61%2D%5f%39', '/a-_9', '/%61%2D%5f%39'],
    ['/a%3bb', '/a%3Bb', '/a%3bb'],
    ['/a;b', '/a;b', '/a;b'],
    ['/a%3Fb', '/a%3Fb', '/a%3Fb'],
    ['/a%23b', '/a%23b', '/a%23b'],
    ['/a%20b', '/a%20b', '/a%20b'],
    ['/caf%c3%a9', '/caf%C3%A9', '/caf%c3%a9'],
    ['/%F0%9F%98%80', '/%F0%9F%98%80', '/%F0%9F%98%80'],
    ['/100%25', '/100%25', '/100%25'],
    ['/50%25off', '/50%25off', '/50%25off'],
    ['/%2541', '/%2541', '/%2541'],
    ['/...', '/...', '/...'],
    ['/.well-known/x', '/.well-known/x', '/.well-known/x'],
    ['/a..b/c.', '/a..b/c.', '/a..b/c.'],
    ["/!$&'()*+,=:@", "/!$&'()*+,=:@", "/!$&'()*+,=:@"],
    ['/a|b{c}', '/a|b{c}', '/a|b{c}'],
  ])('%s', (raw, path, rawPath) => {
    expect(parseHttpTarget('GET', raw)).toEqual({ protocol: 'http', method: 'GET', path, rawPath });
  });

  it('a target of 8 KiB', () => {
    expect(parseHttpTarget('GET', `/${'a'.repeat(MAX_TARGET_BYTES - 1)}`).path).toHaveLength(8192);
  });

  it('HEAD as GET, and other methods as they are', () => {
    expect(['GET', 'HEAD', 'POST', 'OPTIONS', 'M-SEARCH'].map((method) => parseHttpTarget(method, '/').method)).toEqual([
      'GET',
      'GET',
      'POST',
      'OPTIONS',
      'M-SEARCH',
    ]);
  });

  it('into a frozen value', () => {
    expect(Object.isFrozen(parseHttpTarget('GET', '/'))).toBe(true);
  });
});

describe('parseHttpTarget refuses', () => {
  it.each([
    ['nothing', ''],
    ['the asterisk form', '*'],
    ['the absolute form', 'http://example.org/orders'],
    ['the absolute form in capitals', 'HTTPS://example.org/orders'],
    ['the authority form', 'example.org:443'],
    ['a path without "/"', 'orders'],
    ['a query alone', '?a=b'],
    ['an empty segment', '/a//b'],
    ['an empty segment at the start', '//example.org/orders'],
    ['an empty segment at the end', '/a//'],
    ['"."', '/.'],
    ['"." in the middle', '/a/./b'],
    ['".."', '/a/..'],
    ['".." in the middle', '/a/../b'],
    ['".." before the query', '/a/..?b'],
    ['".." with a matrix parameter', '/a/..;x=1/b'],
    ['"." with a matrix parameter', '/a/.;/b'],
    ['an encoded ".."', '/a/%2e%2e/b'],
    ['a half encoded ".."', '/a/.%2E/b'],
    ['an encoded "." anywhere', '/file%2Etxt'],
    ['a doubly encoded "."', '/a/%252e%252e/b'],
    ['an encoded "/"', '/a%2fb'],
    ['an encoded "/" in capitals', '/a%2Fb'],
    ['a doubly encoded "/"', '/a%252Fb'],
    ['a triply encoded "/"', '/a%25252fb'],
    ['a doubly encoded "/", its digits encoded', '/a%25%32%46b'],
    ['a triply encoded "/", its digits encoded', '/a%25%2532%2546b'],
    ['an encoded backslash', '/a%5cb'],
    ['a doubly encoded backslash', '/a%255Cb'],
    ['a backslash', '/a\\b'],
    ['an encoded NUL', '/a%00'],
    ['a doubly encoded NUL', '/a%2500'],
    ['an encoded line break', '/a%0d%0a'],
    ['a doubly encoded line break', '/a%250a'],
    ['an encoded DEL', '/a%7f'],
    ['a NUL', '/a\0'],
    ['a tab', '/a\tb'],
    ['a line break', '/a\r\nb'],
    ['a space', '/a b'],
    ['a DEL', '/a\x7f'],
    ['a control character in the query', '/a?b\n'],
    ['a byte that is not ASCII', '/caf\xe9'],
    ['UTF-8 that is not encoded', '/caf\xc3\xa9'],
    ['a character that is no byte', '/caf\u0101'],
    ['a byte that is not ASCII in the query', '/a?b=\xe9'],
    ['a fragment', '/a#b'],
    ['a fragment in the query', '/a?b#c'],
    ['an encoding of one digit', '/a%2'],
    ['an encoding of none', '/a%'],
    ['an encoding of other letters', '/a%zz'],
    ['an encoding of full-width digits', '/a%\uff12\uff10'],
    ['an overlong "/"', '/a%C0%AF'],
    ['a longer overlong "/"', '/a%E0%80%AF'],
    ['a surrogate', '/a%ED%A0%80'],
    ['a lone byte of UTF-8', '/a%E9'],
    ['an end of UTF-8 without its start', '/a%A9'],
    ['what lies beyond Unicode', '/a%F4%90%80%80'],
    ['an encoding that never ends', `/${'%25'.repeat(2)}${'25'.repeat(50)}`],
    ['more than 8 KiB', `/${'a'.repeat(MAX_TARGET_BYTES)}`],
    ['more than 8 KiB of query', `/?${'a'.repeat(MAX_TARGET_BYTES)}`],
  ])('%s', (_what, raw) => {
    expect(outcomeOf(() => parseHttpTarget('GET', raw))).toBe(REFUSED);
  });

  it.each([
    ['CONNECT', 'CONNECT'],
    ['a method in small letters', 'get'],
    ['a method with a space', 'GET '],
    ['no method', ''],
    ['a token that is no word', 'GET-'],
    ['a method of 33 letters', 'A'.repeat(33)],
  ])('%s', (_what, method) => {
    expect(outcomeOf(() => parseHttpTarget(method, '/'))).toBe(REFUSED);
  });

  it('what is no text', () => {
    expect(outcomeOf(() => untyped(parseHttpTarget, 'GET', undefined))).toBe(REFUSED);
    expect(outcomeOf(() => untyped(parseHttpTarget, undefined, '/'))).toBe(REFUSED);
    expect(outcomeOf(() => untyped(parseHttpTarget, ['GET'], ['/']))).toBe(REFUSED);
  });

  it('the longest of all encodings in no time', () => {
    const cost = costOf(() => {
      expect(outcomeOf(() => parseHttpTarget('GET', `/${'%25'.repeat(2700)}`))).toBe('accepted');
      expect(outcomeOf(() => parseHttpTarget('GET', `/%${'25'.repeat(4000)}`))).toBe(REFUSED);
    });
    expect(cost).toBeLessThan(1000);
  });
});

describe('whatever is asked for, parseHttpTarget', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc
      .array(fc.constantFrom('/', '.', '..', '%', '2', 'e', 'F', '5', 'c', '0', 'a', ';', '\\', '?', '%2e', '%25', '%C3', '%A9'), {
        maxLength: 12,
      })
      .map((parts) => `/${parts.join('')}`),
  );

  it('refuses with a code, or gives a path that reads the same when it is read again', () => {
    fc.assert(
      fc.property(text, (raw) => {
        try {
          const { method, path, rawPath } = parseHttpTarget('GET', raw);
          expect(parseHttpTarget(method, path)).toEqual({ protocol: 'http', method, path, rawPath: path });
          expect(parseHttpTarget(method, rawPath)).toEqual({ protocol: 'http', method, path, rawPath });
        } catch (error) {
          if (!(error instanceof EphemosError && error.code === REFUSED)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('gives a path in which a URL parser and two decoders find the segments that we do', () => {
    fc.assert(
      fc.property(text, (raw) => {
        let path: string;
        try {
          ({ path } = parseHttpTarget('GET', raw));
        } catch {
          return;
        }
        const count = path.split('/').length;
        expect(new URL(`http://localhost${raw}`).pathname.split('/')).toHaveLength(count);
        let decoded = path;
        for (let reader = 0; reader < 3; reader++) {
          decoded = decoded.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
          expect(decoded.split(/[/\\]/)).toHaveLength(count);
          expect(decoded.split('/').filter((segment) => segment === '.' || segment === '..' || segment.includes('\0'))).toEqual([]);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseRequestTarget', () => {
  const head = (headers: RequestHead['headers']): RequestHead => ({ method: 'GET', url: '/orders', headers });

  it.each([
    ['localhost'],
    ['localhost:8443'],
    ['orders_1.example.org'],
    ['127.0.0.1:80'],
    ['[::1]'],
    ['[2001:DB8::1]:8443'],
    ['[::ffff:127.0.0.1]:1'],
  ])('takes the host %s', (host) => {
    expect(parseRequestTarget(head({ host })).path).toBe('/orders');
    expect(parseRequestTarget(head({ ':authority': host })).path).toBe('/orders');
  });

  it('takes a request without a host, which HTTP/1.0 has none of', () => {
    expect(parseRequestTarget(head({})).path).toBe('/orders');
  });

  it.each([
    [''],
    ['\xe9/admin'],
    ['\xe9'],
    ['x/admin?'],
    ['x#'],
    ['x?y'],
    ['user@x'],
    ['x\\y'],
    ['x y'],
    ['x:'],
    ['x:port'],
    ['x:123456'],
    ['[::1'],
    ['[x]'],
    ['%2f'],
    ['x,y'],
    ['a'.repeat(256)],
  ])('refuses the host %j', (host) => {
    expect(outcomeOf(() => parseRequestTarget(head({ host })))).toBe(REFUSED);
    expect(outcomeOf(() => parseRequestTarget(head({ host: 'localhost', ':authority': host })))).toBe(REFUSED);
  });

  it('refuses several hosts, and a request without a method or a target', () => {
    expect(outcomeOf(() => parseRequestTarget(head({ host: ['a', 'b'] })))).toBe(REFUSED);
    expect(outcomeOf(() => parseRequestTarget({ url: '/', headers: {} }))).toBe(REFUSED);
    expect(outcomeOf(() => parseRequestTarget({ method: 'GET', headers: {} }))).toBe(REFUSED);
  });
});

describe('parseGrpcTarget', () => {
  it.each([
    ['/orders.v1.Orders/Get', 'orders.v1.Orders', 'Get'],
    ['/Orders/get_all2', 'Orders', 'get_all2'],
    ['/_a.B_c/D', '_a.B_c', 'D'],
  ])('reads %s', (path, service, method) => {
    expect(parseGrpcTarget(path)).toEqual({ protocol: 'grpc', service, method });
  });

  it.each(
    [
      [
        '',
        'orders.v1.Orders/Get',
        '/',
        '//',
        '/orders.v1.Orders',
        '/orders.v1.Orders/',
        '//Get',
        '/orders.v1.Orders/Get/',
        '/orders.v1.Orders//Get',
      ],
      [
        '/a/b/c',
        '/orders.v1.Orders/Get?x',
        '/orders.v1.Orders/%47et',
        '/.Orders/Get',
        '/orders..Orders/Get',
        '/orders./Get',
        '/1a/Get',
        '/a/1',
      ],
      ['/orders.v1.Orders/*', '/*/Get', '/a b/Get', '/a/Get\n', '/a\n/Get', '/\xe9/Get', '/../Get', '/a/..', `/${'a'.repeat(8192)}/Get`],
    ].flat(),
  )('refuses %j', (path) => {
    expect(outcomeOf(() => parseGrpcTarget(path))).toBe(REFUSED);
  });
});

describe('parseTarget', () => {
  it('reads what formatTarget writes', () => {
    for (const text of ['GET /orders/%7Ejoe', 'DELETE /', '/orders.v1.Orders/Get']) expect(formatTarget(parseTarget(text))).toBe(text);
  });

  it.each([[''], ['GET'], ['GET  /orders'], ['GET /a b'], ['orders.v1.Orders/Get'], ['/orders']])('refuses %j, with the mend', (text) => {
    expect(refusalOf(() => parseTarget(text)).hint).toMatch(/write it as/);
  });
});
