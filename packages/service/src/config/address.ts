// Where to listen: `host:port`, `[::1]:8080` or `:8080` in, host and port out.
import { isIP } from 'node:net';
import { invalid } from './problem.ts';

/** An address to listen on. */
export interface Address {
  /** A host name or an IP address, without brackets; `undefined` for every address of the machine. */
  readonly host: string | undefined;
  /** 0 lets the system choose. */
  readonly port: number;
}

/**
 * Parses an address. The port is not guessed.
 * @throws {EphemosError} ERR_CONFIG_INVALID
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) throw invalid(`${JSON.stringify(text)} is not an address`, mendOf(text));
  const [, bracketed, name = '', digits = ''] = match;
  const port = Number(digits);
  if (port > 65_535) throw invalid('a port is from 0 to 65535');
  if (bracketed !== undefined) {
    if (isIP(bracketed) !== 6) throw invalid(`${JSON.stringify(bracketed)} is not an IPv6 address, and brackets are for those`);
    return Object.freeze({ host: bracketed, port });
  }
  if (name === '*') throw invalid('"*" is not a host', `write ":${port}" for every address`);
  if (name !== '' && !isHost(name)) throw invalid(`${JSON.stringify(name)} is neither a host name nor an IP address`);
  return Object.freeze({ host: name === '' ? undefined : name, port });
}

/** The address as text again. */
export function formatAddress({ host = '', port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True when one socket cannot listen while another does: same port, and the same host or every host. Port 0 is never taken. */
export function collides(a: Address, b: Address): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  return isEveryHost(a.host) || isEveryHost(b.host) || a.host === b.host;
}

function isEveryHost(host: string | undefined): boolean {
  return host === undefined || host === '0.0.0.0' || host === '::';
}

// What looks like an IPv4 address must be one: `1.2.3.400` would be looked up as a name.
function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text)) return isIP(text) === 4;
  return text.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9.])?$/.test(text);
}

function mendOf(text: string): string {
  if (/^\d{1,5}$/.test(text)) return `write ":${text}"`;
  const [, afterScheme] = /^[a-z]+:\/\/([^/]+:\d{1,5})\/?$/.exec(text) ?? [];
  if (afterScheme !== undefined) return `write ${JSON.stringify(afterScheme)}`;
  if (isIP(text) === 6) return `write "[${text}]:8443"`;
  if (isHost(text)) return `write "${text}:8443"`;
  return 'write it as "0.0.0.0:8443", "[::1]:8443" or ":8443"';
}
