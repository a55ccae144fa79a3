import { describe, expect, it } from 'vitest';
import { byFamily, parseNetworks } from '../../../src/deploy/systemd/networks.ts';

describe('networks of a firewall', () => {
  it.each([
    ['10.0.0.0/8', ['10.0.0.0/8']],
    ['10.1.2.3', ['10.1.2.3/32']],
    ['10.0.0.0/8, 192.168.7.128/25,fd00::/8', ['10.0.0.0/8', '192.168.7.128/25', 'fd00::/8']],
    ['2001:db8::1', ['2001:db8::1/128']],
    ['2001:db8:0:ff00::/56', ['2001:db8:0:ff00::/56']],
    ['::ffff:10.1.0.0/112', ['::ffff:10.1.0.0/112']],
  ])('are %s', (text, networks) => {
    expect(parseNetworks(text, 'peers')).toEqual(networks);
  });

  it('are told apart by family', () => {
    expect(byFamily(['10.0.0.0/8', 'fd00::/8', '192.168.7.1/32'])).toEqual({ v4: ['10.0.0.0/8', '192.168.7.1/32'], v6: ['fd00::/8'] });
  });

  it.each([
    ['', /peers: "" is no network/],
    ['10.0.0.0/8,', /peers: "" is no network/],
    ['10.0.0.0/33', /is no network/],
    ['10.0.0/8', /is no network/],
    ['10.0.0.0/8/8', /is no network/],
    ['10.0.0.0/', /is no network/],
    ['10.0.0.0/8 } drop', /is no network/],
    ['fe80::1%eth0', /is no network/],
    ['acme.com', /is no network/],
    ['0.0.0.0/0', /peers: 0\.0\.0\.0\/0 is everybody/],
    ['::/0', /is everybody/],
    ['10.1.2.3/8', /is an address in a network/],
    ['fd00:1::/16', /is an address in a network/],
    ['10.0.0.0/8, 10.0.0.0/8', /names 10\.0\.0\.0\/8 twice/],
  ])('are not %j', (text, message) => {
    expect(() => parseNetworks(text, 'peers')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/23', '10.1.2.0/23'],
    ['fd00:1:2::5/44', 'fd00:1::/44'],
  ])('are not %s, whose network is %s', (text, network) => {
    expect(() => parseNetworks(text, 'peers')).toThrow(expect.objectContaining({ hint: `write ${network}, or the address alone` }));
  });
});
