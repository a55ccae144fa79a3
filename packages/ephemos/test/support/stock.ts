// Peers that know nothing of Ephemos: stock node:tls options with certificates of the same authority.

import type { ConnectionOptions, TlsOptions } from 'node:tls';
import type { TestAuthority } from '@ephemos/dev';

export interface StockCertificate {
  readonly key: string;
  readonly cert: string;
  readonly ca: string[];
  /** When it ends, in milliseconds since 1970. */
  readonly expiresAt: number;
}

export async function stockCertificate(authority: TestAuthority, id: string, ttlSeconds?: number): Promise<StockCertificate> {
  const svid = await authority.issueX509Svid(id, ttlSeconds === undefined ? {} : { ttlSeconds });
  const roots = await authority.bundleDer();
  return {
    key: pem('PRIVATE KEY', svid.privateKey),
    cert: svid.chain.map((der) => pem('CERTIFICATE', der)).join(''),
    ca: roots.map((der) => pem('CERTIFICATE', der)),
    expiresAt: svid.expiresAt,
  };
}

export async function stockClient(
  authority: TestAuthority,
  id: string,
  ttlSeconds?: number,
): Promise<ConnectionOptions & StockCertificate> {
  return { ...(await stockCertificate(authority, id, ttlSeconds)), checkServerIdentity: () => undefined };
}

export async function stockServer(authority: TestAuthority, id: string, ttlSeconds?: number): Promise<TlsOptions & StockCertificate> {
  return { ...(await stockCertificate(authority, id, ttlSeconds)), requestCert: true, rejectUnauthorized: true };
}

export function pem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
}
