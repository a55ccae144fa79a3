// Headers in which proxies tell who called them: dropped, so that no handler takes the word of a caller for its identity.

/**
 * Names that pretend to be an identity: Envoy and Traefik (X-Forwarded-Client-Cert, -Tls-Client-Cert), RFC 9440 (Client-Cert), ingress-nginx
 * (SSL-Client-*), AWS and Azure load balancers (X-Amzn-Mtls-*, X-ARR-ClientCert), Linkerd (L5d-Client-Id), Google (X-Client-Cert-*) and
 * whatever is named after SPIFFE or Ephemos. `_` counts as `-`, because some frameworks take the one for the other.
 */
const IDENTITY_HEADER =
  /^(?:x[-_])?(?:forwarded[-_](?:tls[-_])?client[-_]|client[-_](?:cert|verify|dn|id$)|(?:ssl|tls|mtls)[-_]client|amzn[-_]mtls|arr[-_]clientcert|l5d[-_]client|(?:peer[-_])?spiffe|ephemos)/i;

/** True for a header that pretends to be an identity. */
export function isIdentityHeader(name: string): boolean {
  return IDENTITY_HEADER.test(name);
}

/** True when a header list as Node.js gives it, names and values in turn, holds one. */
export function hasIdentityHeader(raw: readonly string[]): boolean {
  for (let at = 0; at < raw.length; at += 2) if (IDENTITY_HEADER.test(raw[at] ?? '')) return true;
  return false;
}

/** Takes such headers out of such a list. Returns the names, in lower case. */
export function dropFromRaw(raw: string[]): readonly string[] {
  const dropped: string[] = [];
  for (let at = raw.length - 2; at >= 0; at -= 2) {
    const name = raw[at] ?? '';
    if (!isIdentityHeader(name)) continue;
    raw.splice(at, 2);
    dropped.push(name.toLowerCase());
  }
  return dropped;
}
