// An address in, the network that one party can be expected to hold out: an IPv4 address, or the first 64 bits of an IPv6 address.
import { isIPv6 } from 'node:net';

/** The key under which connections are counted. */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return '';
  const [bare = ''] = address.split('%');
  if (!isIPv6(bare)) return bare;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  return mapped ?? `${groupsOf(bare).slice(0, 4).join(':')}::/64`;
}

function groupsOf(address: string): readonly string[] {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  if (tail === undefined) return before.map(trimmed);
  const after = tail === '' ? [] : tail.split(':');
  return [...before, ...new Array<string>(Math.max(8 - before.length - after.length, 0)).fill('0'), ...after].map(trimmed);
}

function trimmed(group: string): string {
  return group.toLowerCase().replace(/^0+(?=.)/, '');
}
