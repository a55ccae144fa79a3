// A peer to dial: `host:port` or `[address]:port` in, host and port out.
import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';

/** A host and a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Parses an address. The port is not guessed.
 * @throws {InvalidArgumentError} which commander turns into a usage error that names the argument
 */
export function parseAddress(text: string): Address {
  const url = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(text);
  if (url !== null)
    throw new InvalidArgumentError(`Write the host and port alone: ${url[1] === undefined || url[1] === '' ? 'orders:8443' : url[1]}.`);
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const [, v6, name = '', digits = ''] = match ?? [];
  const port = Number(digits);
  if (match === null)
    throw new InvalidArgumentError(isIP(text) === 6 ? `Write [${text}]:8443.` : 'Write host:port, such as orders:8443 or [::1]:8443.');
  if (port < 1 || port > 65_535) throw new InvalidArgumentError('A port is from 1 to 65535.');
  if (v6 === undefined ? !isHostName(name) : isIP(v6) !== 6)
    throw new InvalidArgumentError('That is neither a host name nor an IP address.');
  return { host: v6 ?? name, port };
}

/** The address as text again. */
export function formatAddress({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

function isHostName(text: string): boolean {
  return text.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9.])?$/.test(text);
}
