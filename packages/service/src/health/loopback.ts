// Addresses of this machine: whether a caller has one, and which one leads to a port that is open on every address.
import { isIP } from 'node:net';
import type { Address } from '../config/address.ts';

/** True for an address that only this machine, or this pod, can call from. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const v4 = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  return v4 === '::1' || (isIP(v4) === 4 && v4.startsWith('127.'));
}

/** Where to dial what listens at an address: every address means loopback. */
export function dialAddress({ host, port }: Address): { readonly host: string; readonly port: number } {
  if (host === undefined || host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}
