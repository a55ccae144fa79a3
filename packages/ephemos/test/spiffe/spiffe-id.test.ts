import { MAX_SPIFFE_ID_BYTES, SpiffeId, TrustDomain } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './certificates.ts';

/** An ID of so many bytes. */
function idOf(bytes: number): string {
  return 'spiffe://example.org/'.padEnd(bytes, 'a');
}

describe('SpiffeId takes', () => {
  it.each([
    ['a path of one segment', 'spiffe://example.org/web', '/web'],
    ['a path of several segments', 'spiffe://example.org/ns/prod/sa/web', '/ns/prod/sa/web'],
    ['every character of a segment (SPIFFE-ID 2.2)', 'spiffe://example.org/azAZ09.-_', '/azAZ09.-_'],
    ['a segment of three dots, which is no dot segment', 'spiffe://example.org/...', '/...'],
    ['segments that begin or end with dots', 'spiffe://example.org/.a/a../..a', '/.a/a../..a'],
    ['no path: the ID of the trust domain (SPIFFE-ID 2)', 'spiffe://example.org', ''],
    ['an IPv4 address as trust domain (SPIFFE-ID 2.1)', 'spiffe://10.1.2.3/web', '/web'],
    [`${MAX_SPIFFE_ID_BYTES} bytes (SPIFFE-ID 2.3)`, idOf(2048), `/${'a'.repeat(2027)}`],
    ['a trust domain of 255 bytes', `spiffe://${'d'.repeat(255)}/web`, '/web'],
  ])('%s', (_what, text, path) => {
    const id = SpiffeId.parse(text);
    expect([id.toString(), id.path]).toEqual([text, path]);
  });
});

describe('SpiffeId refuses', () => {
  it.each([
    ['nothing', ''],
    ['no scheme', 'example.org/web'],
    ['another scheme', 'https://example.org/web'],
    ['the scheme without slashes', 'spiffe:example.org/web'],
    ['one slash', 'spiffe:/example.org/web'],
    ['an empty trust domain', 'spiffe:///web'],
    ['nothing but the scheme', 'spiffe://'],
    ['an upper-case scheme', 'SPIFFE://example.org/web'],
    ['an upper-case trust domain', 'spiffe://Example.org/web'],
    ['a blank before it', ' spiffe://example.org/web'],
    ['a line feed behind it', 'spiffe://example.org/web\n'],
    ['a user', 'spiffe://user@example.org/web'],
    ['a user and a password', 'spiffe://user:password@example.org/web'],
    ['a port', 'spiffe://example.org:443/web'],
    ['an empty port', 'spiffe://example.org:/web'],
    ['an IPv6 address', 'spiffe://[::1]/web'],
    ['a trailing slash', 'spiffe://example.org/web/'],
    ['a path of one slash', 'spiffe://example.org/'],
    ['an empty segment', 'spiffe://example.org//web'],
    ['an empty segment in the middle', 'spiffe://example.org/a//web'],
    ['a "." segment', 'spiffe://example.org/./web'],
    ['a ".." segment', 'spiffe://example.org/a/../web'],
    ['a ".." segment at the end', 'spiffe://example.org/a/..'],
    ['an encoded dot segment', 'spiffe://example.org/a/%2e%2e/web'],
    ['an encoded slash', 'spiffe://example.org/a%2fweb'],
    ['percent-encoding in the trust domain', 'spiffe://example%2eorg/web'],
    ['a backslash', 'spiffe://example.org/a\\web'],
    ['a query', 'spiffe://example.org/web?a=b'],
    ['an empty query', 'spiffe://example.org/web?'],
    ['a query without a path', 'spiffe://example.org?a=b'],
    ['a fragment', 'spiffe://example.org/web#a'],
    ['a NUL', 'spiffe://example.org/web\0'],
    ['a blank', 'spiffe://example.org/we b'],
    ['a letter outside ASCII', 'spiffe://example.org/w\u00e9b'],
    ['a full-width slash', 'spiffe://example.org\uff0fweb'],
    ['a character outside the basic plane', 'spiffe://example.org/\u{1f512}'],
    ['2049 bytes', idOf(2049)],
    ['2048 characters of more bytes', `spiffe://example.org/${'\u00e9'.repeat(2027)}`],
    ['a trust domain of 256 bytes', `spiffe://${'d'.repeat(256)}/web`],
  ])('%s', (_what, text) => {
    expect(refusalOf(() => SpiffeId.parse(text)).code).toBe('ERR_SPIFFE_ID_INVALID');
  });

  it.each([undefined, null, 1, {}, ['spiffe://example.org/web']])('what is no string: %j', (value) => {
    expect(refusalOf(() => Reflect.apply(SpiffeId.parse, SpiffeId, [value])).code).toBe('ERR_SPIFFE_ID_INVALID');
  });
});

describe('SpiffeId says the mend', () => {
  it.each([
    ['SPIFFE://example.org/Web', 'write "spiffe://example.org/Web"'],
    ['spiffe://Example.org/Web', 'write "spiffe://example.org/Web"'],
    ['SPIFFE://Example.org/Web', 'write "spiffe://example.org/Web"'],
    ['SPIFFE://example.org/web/', 'remove the last "/"'],
    ['example.org/web', 'write it as "spiffe://<trust domain>/<path>"'],
    ['spiffe://example.org/web/', 'remove the last "/"'],
  ])('%s: %s', (text, hint) => {
    expect(refusalOf(() => SpiffeId.parse(text)).hint).toBe(hint);
  });
});

describe('SpiffeId', () => {
  it('compares the path with its case, byte for byte (SPIFFE-ID 2.4)', () => {
    const web = SpiffeId.parse('spiffe://example.org/web');
    expect(web.equals(SpiffeId.parse('spiffe://example.org/web'))).toBe(true);
    expect(web.equals(SpiffeId.parse('spiffe://example.org/Web'))).toBe(false);
    expect(web.equals(SpiffeId.parse('spiffe://example.org/web/a'))).toBe(false);
    expect(web.equals(SpiffeId.ofTrustDomain(web.trustDomain))).toBe(false);
  });

  it('is a member of its own trust domain and of none below or above', () => {
    const id = SpiffeId.parse('spiffe://a.example.org/web');
    expect(['a.example.org', 'example.org', 'b.a.example.org'].map((name) => id.isMemberOf(TrustDomain.parse(name)))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('is frozen and prints itself', () => {
    const id = SpiffeId.parse('spiffe://example.org/web');
    expect(Object.isFrozen(id)).toBe(true);
    expect([`${id}`, JSON.stringify({ id })]).toEqual(['spiffe://example.org/web', '{"id":"spiffe://example.org/web"}']);
  });
});
