// An address in; the address as it is shown and the network that one party can be expected to hold out: an IPv4 address, or an IPv6 /64.
import { isIPv4, isIPv6 } from 'node:net';

/** Most characters of an address as it is shown: IPv6 with a zone. */
const MAX_ADDRESS = 64;

/** An address without its zone, IPv4-mapped IPv6 as IPv4. Anything that is no address is cut off at 64 characters. */
export function plainAddress(address: string): string {
  const [bare = ''] = address.slice(0, MAX_ADDRESS).split('%', 1);
  return isIPv6(bare) ? (mappedIPv4(bare) ?? bare) : bare;
}

/** The network that one party can be expected to hold, under which connections and denials are counted. */
export function networkOf(address: string | undefined): string {
  const plain = plainAddress(address ?? '');
  return isIPv6(plain) ? `${groupsOf(plain).slice(0, 4).join(':')}::/64` : plain;
}

function mappedIPv4(address: string): string | undefined {
  const groups = groupsOf(address);
  if (groups.length !== 8 || groups[5] !== 'ffff' || groups.slice(0, 5).some((group) => group !== '0')) return undefined;
  return groups
    .slice(6)
    .map((group) => Number.parseInt(group, 16))
    .map((group) => `${group >> 8}.${group & 255}`)
    .join('.');
}

// Eight groups without leading zeros.
function groupsOf(address: string): readonly string[] {
  const [head = '', tail] = address.split('::').map(splitGroups);
  if (tail === undefined) return [...head];
  return [...head, ...new Array<string>(Math.max(8 - head.length - tail.length, 0)).fill('0'), ...tail];
}

function splitGroups(text: string): readonly string[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => (isIPv4(group) ? hexOf(group) : [group.toLowerCase().replace(/^0+(?=.)/, '')]));
}

// The last 32 bits may be written as IPv4.
function hexOf(address: string): readonly string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return [a * 256 + b, c * 256 + d].map((group) => group.toString(16));
}
