import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../src/input/address.ts';

describe('parseAddress', () => {
  it.each([
    ['orders:8443', 'orders', 8443],
    ['orders.prod.svc.cluster.local.:1', 'orders.prod.svc.cluster.local.', 1],
    ['127.0.0.1:65535', '127.0.0.1', 65_535],
    ['[::1]:8443', '::1', 8443],
  ])('reads %s and writes it back', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
    expect(formatAddress({ host, port })).toBe(text);
  });

  it.each([
    'orders',
    'orders:',
    ':8443',
    'orders:0',
    'orders:65536',
    '::1',
    '::1:8443',
    '[::1]',
    '[orders]:1',
    '[]:1',
    'https://orders:8443',
    'a b:1',
    '-a:1',
  ])('refuses %s', (text) => {
    expect(() => parseAddress(text)).toThrow(InvalidArgumentError);
  });
});
