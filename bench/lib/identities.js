// Identities as plain values that travel between processes: DER in base64, PEM made from it, and sources that never change.
import { createTestAuthority } from '@ephemos/dev';
import { TrustDomain, X509Bundle, X509BundleSet, X509Svid } from 'ephemos/spiffe';

/** Makes a trust domain with one server and `clients` callers; with an intermediate in the chain when asked for. */
export async function makeIdentities({ intermediate, clients }) {
  const authority = createTestAuthority('bench.example', { intermediate });
  const bundle = (await authority.bundleDer()).map(encode);
  const server = await issue(authority, 'spiffe://bench.example/server');
  const callers = [];
  for (let i = 0; i < clients; i++) callers.push(await issue(authority, `spiffe://bench.example/client/${i}`));
  return { bundle, server, callers };
}

async function issue(authority, id) {
  const { chain, privateKey } = await authority.issueX509Svid(id);
  return { id, chain: chain.map(encode), key: encode(privateKey) };
}

/** What the stock way takes. */
export function toPem({ chain, key }) {
  return { cert: chain.map((der) => pem('CERTIFICATE', der)).join(''), key: pem('PRIVATE KEY', key) };
}

export function bundlePem(bundle) {
  return bundle.map((der) => pem('CERTIFICATE', der)).join('');
}

/** An X509Source over fixed SVIDs, taking the next one at every look: each caller a new one. */
export function createFixedSource(identities, bundle) {
  const svids = identities.map(({ chain, key }) => X509Svid.parse({ chain: Buffer.concat(chain.map(decode)), privateKey: decode(key) }));
  const bundles = new X509BundleSet([X509Bundle.parse(TrustDomain.parse('bench.example'), Buffer.concat(bundle.map(decode)))]);
  let current = 0;
  return {
    svids,
    bundles,
    get svid() {
      return svids[current % svids.length];
    },
    next() {
      current += 1;
    },
    subscribe: () => () => undefined,
  };
}

const encode = (der) => Buffer.from(der).toString('base64');
const decode = (text) => Buffer.from(text, 'base64');
const pem = (label, base64) => `-----BEGIN ${label}-----\n${base64.match(/.{1,64}/g).join('\n')}\n-----END ${label}-----\n`;
