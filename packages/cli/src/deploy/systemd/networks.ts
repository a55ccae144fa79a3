// Networks as a list with commas in; those of IPv4 and of IPv6 out, each as it is written in a firewall.
import { isIP } from 'node:net';
import { EphemosError } from 'ephemos/errors';

/** Networks of both families. */
export interface Networks {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

const BITS: Readonly<Record<number, number>> = { 4: 32, 6: 128 };

/**
 * Parses a list of networks such as `10.0.0.0/8, fd00::/8`; an address alone is a network of one.
 * @param name of the answer, for the error
 * @throws {EphemosError} ERR_CONFIG_INVALID
 */
export function parseNetworks(text: string, name: string): readonly string[] {
  const networks = text.split(',').map((each) => parseNetwork(each.trim(), name));
  const twice = networks.find((each, index) => networks.indexOf(each) < index);
  if (twice !== undefined) throw invalid(`${name} names ${twice} twice`, 'name it once');
  return networks;
}

/** By family. */
export function byFamily(networks: readonly string[]): Networks {
  const of = (family: number): readonly string[] => networks.filter((each) => isIP(each.split('/')[0] ?? '') === family);
  return { v4: of(4), v6: of(6) };
}

function parseNetwork(text: string, name: string): string {
  const [address = '', length, ...rest] = text.split('/');
  const most = BITS[isIP(address)];
  const bits = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : undefined;
  if (most === undefined || bits === undefined || bits > most || rest.length > 0 || address.includes('%'))
    throw invalid(`${name}: ${JSON.stringify(text)} is no network`, 'name networks such as 10.0.0.0/8, with commas between them');
  if (bits === 0) throw invalid(`${name}: ${text} is everybody`, 'name the networks that they come from');
  const base = baseOf(address, most - bits);
  if (base !== undefined)
    throw invalid(`${name}: ${text} is an address in a network, and not the network`, `write ${base}/${bits}, or the address alone`);
  return `${address}/${bits}`;
}

/** The first address of a network when it is not this one. */
function baseOf(address: string, free: number): string | undefined {
  const given = bytesOf(address);
  const base = given.map((byte, index) => {
    const below = free - (given.length - 1 - index) * 8;
    return below <= 0 ? byte : below >= 8 ? 0 : byte & (0xff << below);
  });
  if (base.every((byte, index) => byte === given[index])) return undefined;
  if (base.length === 4) return base.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (((base[index * 2] ?? 0) << 8) | (base[index * 2 + 1] ?? 0)).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function bytesOf(address: string): readonly number[] {
  if (isIP(address) === 4) return address.split('.').map(Number);
  // As URLs are read: in its shortest form, without dots.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string | undefined): readonly string[] => (text ?? '').split(':').filter((each) => each !== '');
  const [before, after] = [groups(head), groups(tail)];
  const middle = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...middle, ...after].flatMap((each) => [Number.parseInt(each, 16) >> 8, Number.parseInt(each, 16) & 0xff]);
}

function invalid(message: string, hint: string): EphemosError {
  return new EphemosError('ERR_CONFIG_INVALID', message, { hint });
}
