import { isEphemosError } from 'ephemos/errors';
import { describe, expect, test } from 'vitest';
import { collides, formatAddress, parseAddress } from '../../src/config/address.ts';

function refusal(text: string): string {
  try {
    parseAddress(text);
  } catch (error) {
    if (isEphemosError(error, 'ERR_CONFIG_INVALID')) return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
    throw error;
  }
  throw new Error(`${text} was taken`);
}

describe('parseAddress', () => {
  test.each([
    ['127.0.0.1:8443', '127.0.0.1', 8443],
    ['localhost:0', 'localhost', 0],
    ['orders.acme.com:65535', 'orders.acme.com', 65_535],
    ['[::1]:8080', '::1', 8080],
    ['[::]:8080', '::', 8080],
    ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1],
    [':8080', undefined, 8080],
  ])('%s is read', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
    expect(formatAddress(parseAddress(text))).toBe(text);
  });

  test.each([
    ['8443', '"8443" is not an address; write ":8443"'],
    ['localhost', '"localhost" is not an address; write "localhost:8443"'],
    ['::1', '"::1" is not an address; write "[::1]:8443"'],
    ['https://acme.com:8443', '"https://acme.com:8443" is not an address; write "acme.com:8443"'],
    ['', '"" is not an address; write it as "0.0.0.0:8443", "[::1]:8443" or ":8443"'],
    ['a:b:1', '"a:b:1" is not an address; write it as "0.0.0.0:8443", "[::1]:8443" or ":8443"'],
    [':65536', 'a port is from 0 to 65535'],
    ['*:8080', '"*" is not a host; write ":8080" for every address'],
    ['[127.0.0.1]:80', '"127.0.0.1" is not an IPv6 address, and brackets are for those'],
    ['1.2.3.400:80', '"1.2.3.400" is neither a host name nor an IP address'],
    ['a b:80', '"a b" is neither a host name nor an IP address'],
    [':8443\n', '":8443\\n" is not an address; write it as "0.0.0.0:8443", "[::1]:8443" or ":8443"'],
  ])('%j is refused', (text, message) => {
    expect(refusal(text)).toBe(message);
  });

  test('two sockets collide on one port of one host, and with every host', () => {
    const pair = (a: string, b: string): boolean => collides(parseAddress(a), parseAddress(b));
    expect(pair(':80', '127.0.0.1:80')).toBe(true);
    expect(pair('[::]:80', '127.0.0.1:80')).toBe(true);
    expect(pair('127.0.0.1:80', '127.0.0.1:80')).toBe(true);
    expect(pair('127.0.0.1:80', '127.0.0.2:80')).toBe(false);
    expect(pair(':80', ':81')).toBe(false);
    expect(pair(':0', ':0')).toBe(false);
  });
});
