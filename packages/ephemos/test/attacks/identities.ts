// The trust domains of the attack tests, and what attackers present in them.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createTestAuthority, type IssuedCertificate, type IssuedSvid, type RawCertificateOptions, type TestAuthority } from '@ephemos/dev';
import { openX509Source, type X509Source } from 'ephemos';
import { type X509Bundle, X509BundleSet, X509Svid } from 'ephemos/spiffe';
import { bundleOf } from '../spiffe/certificates.ts';
import { element, objectIdentifier, text } from '../spiffe/der-tree.ts';

export const ORDERS = 'spiffe://example.org/orders';
export const WEB = 'spiffe://example.org/web';
const STRANGER = 'spiffe://other.example/stranger';

/** A certificate chain and a key, as one side of a handshake has them. */
export interface Credentials {
  readonly chain: readonly Uint8Array[];
  readonly privateKey: Uint8Array;
}

/** How a world is made. */
export interface WorldOptions {
  readonly intermediate: boolean;
  /** Whether the bundle of example.org stands after the federated ones. */
  readonly ownBundleLast?: boolean | undefined;
  readonly keyType?: 'ec-p256' | 'rsa-2048' | undefined;
}

/** example.org, federated with other.example and with evil.example, whose root has the subject and key identifier of ours. */
export interface World {
  readonly authority: TestAuthority;
  readonly other: TestAuthority;
  readonly evil: EvilTwin;
  readonly bundles: X509BundleSet;
  /** A source of this identity; all are closed with the world. */
  source(id: string, bundles?: X509BundleSet): Promise<X509Source>;
  close(): Promise<void>;
}

export async function openWorld({ intermediate, ownBundleLast = false, keyType = 'ec-p256' }: WorldOptions): Promise<World> {
  const authority = createTestAuthority('example.org', { intermediate, keyType });
  const other = createTestAuthority('other.example', { intermediate });
  const evil = await createEvilTwin(authority);
  const federated = [await other.bundle(), bundleOf('evil.example', evil.root)];
  const own = await authority.bundle();
  const bundles = new X509BundleSet(ownBundleLast ? [...federated, own] : [own, ...federated]);
  const sources: X509Source[] = [];
  return {
    authority,
    other,
    evil,
    bundles,
    async source(id, given = bundles) {
      const source = await openStaticSource(await authority.issueX509Svid(id), given);
      sources.push(source);
      return source;
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

/** A source that says one thing and then nothing more, so that a test decides about every bundle and their order. */
export function openStaticSource({ chain, privateKey }: Credentials, bundles: X509BundleSet | readonly X509Bundle[]): Promise<X509Source> {
  const svid = X509Svid.parse({ chain: Buffer.concat(chain), privateKey });
  const value = { svids: [svid], bundles: bundles instanceof X509BundleSet ? bundles : new X509BundleSet(bundles) };
  return openX509Source({
    client: {
      async *watchX509Contexts({ signal } = {}) {
        yield { type: 'update', value };
        await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
      },
    },
  });
}

/** CAs that look like those of the authority in everything but their keys. */
interface EvilTwin {
  readonly root: IssuedCertificate;
  readonly signer: IssuedCertificate;
  /** What stands between a leaf and the root. */
  readonly intermediates: readonly Uint8Array[];
}

async function createEvilTwin(authority: TestAuthority): Promise<EvilTwin> {
  const ca: RawCertificateOptions = {
    basicConstraints: { ca: true },
    keyUsage: { usages: ['keyCertSign', 'cRLSign'] },
    extendedKeyUsage: 'absent',
  };
  const twinOf = ({ subject, subjectKeyIdentifier }: IssuedCertificate, issuer: IssuedCertificate | 'self') =>
    authority.issueCertificate({ ...ca, subject, subjectKeyIdentifier, issuer });
  const [ours, signer] = [await authority.root(), await authority.signer()];
  const root = await twinOf(ours, 'self');
  if (signer.der === ours.der) return { root, signer: root, intermediates: [] };
  const between = await twinOf(signer, root);
  return { root, signer: between, intermediates: [between.der] };
}

/** What an attacker presents, and the code that it must be refused with. */
export interface Forgery {
  readonly name: string;
  readonly code: string;
  make(world: World, id: string): Promise<Credentials>;
}

const PAST: RawCertificateOptions = { notBefore: new Date(Date.UTC(2020, 0, 1)), notAfter: new Date(Date.UTC(2020, 0, 2)) };
const FUTURE: RawCertificateOptions = { notBefore: new Date(Date.UTC(2090, 0, 1)), notAfter: new Date(Date.UTC(2090, 0, 2)) };

/** A good SVID except for what the options change. */
function spoilt(name: string, code: string, change: (id: string) => RawCertificateOptions): Forgery {
  return { name, code, make: async ({ authority }, id) => authority.issueX509Svid(id, { certificate: change(id) }) };
}

function trick(name: string, change: (id: string) => string, code = 'ERR_PEER_ID_INVALID'): Forgery {
  return spoilt(`an ID with ${name}`, code, (id) => ({ uris: [change(id)] }));
}

export const forgeries: readonly Forgery[] = [
  {
    name: 'an SVID of a federated CA that claims our trust domain',
    code: 'ERR_PEER_AUTHORITY_UNKNOWN',
    make: async ({ other }, id) => other.issueX509Svid(STRANGER, { certificate: { uris: [id] } }),
  },
  {
    name: 'the same with the root of that CA',
    code: 'ERR_PEER_AUTHORITY_UNKNOWN',
    async make({ other }, id) {
      const { chain, privateKey } = await other.issueX509Svid(STRANGER, { certificate: { uris: [id] } });
      return { chain: [...chain, ...(await other.bundleDer())], privateKey };
    },
  },
  {
    name: 'an SVID of a CA that nobody knows',
    code: 'ERR_PEER_AUTHORITY_UNKNOWN',
    make: async (_world, id) => createTestAuthority('example.org', { intermediate: true }).issueX509Svid(id),
  },
  {
    name: 'an SVID of a federated root with the subject and key identifier of ours',
    code: 'ERR_PEER_AUTHORITY_UNKNOWN',
    async make({ authority, evil }, id) {
      const leaf = await authority.issueCertificate({ subject: 'O=Ephemos development', uris: [id], issuer: evil.signer });
      return { chain: [leaf.der, ...evil.intermediates], privateKey: leaf.privateKey };
    },
  },
  {
    name: 'an SVID that another SVID signed',
    code: 'ERR_PEER_AUTHORITY_UNKNOWN',
    async make({ authority }, id) {
      const low = await authority.issueX509Svid('spiffe://example.org/low');
      const leaf = await authority.issueCertificate({ uris: [id], issuer: low.leaf });
      return { chain: [leaf.der, ...low.chain], privateKey: leaf.privateKey };
    },
  },
  {
    name: 'an SVID of a trust domain without a bundle',
    code: 'ERR_PEER_TRUST_DOMAIN_UNKNOWN',
    make: async () => createTestAuthority('unknown.example').issueX509Svid('spiffe://unknown.example/web'),
  },
  {
    name: 'a good SVID of somebody who is not admitted',
    code: 'ERR_PEER_UNAUTHORIZED',
    make: async ({ authority }) => authority.issueX509Svid('spiffe://example.org/nobody'),
  },
  {
    name: 'a good SVID of a federated trust domain that is not admitted',
    code: 'ERR_PEER_UNAUTHORIZED',
    make: async ({ other }) => other.issueX509Svid(STRANGER),
  },
  spoilt('two URI SANs', 'ERR_PEER_ID_MULTIPLE', (id) => ({ uris: [id, 'spiffe://example.org/admin'] })),
  spoilt('no URI SAN', 'ERR_PEER_ID_MISSING', () => ({ uris: [], dnsNames: ['localhost'] })),
  spoilt('a CA as leaf', 'ERR_PEER_LEAF_IS_CA', () => ({ basicConstraints: { ca: true } })),
  { name: 'the CA itself', code: 'ERR_PEER_LEAF_IS_CA', make: async ({ authority }) => credentialsOf(await authority.signer()) },
  spoilt('a leaf without digitalSignature', 'ERR_PEER_KEY_USAGE_INVALID', () => ({ keyUsage: { usages: ['keyAgreement'] } })),
  spoilt('a leaf with keyCertSign', 'ERR_PEER_KEY_USAGE_INVALID', () => ({ keyUsage: { usages: ['digitalSignature', 'keyCertSign'] } })),
  spoilt('a leaf without a key usage', 'ERR_PEER_KEY_USAGE_INVALID', () => ({ keyUsage: 'absent' })),
  spoilt('a leaf for another purpose', 'ERR_PEER_EXTENDED_KEY_USAGE_INVALID', () => ({
    extendedKeyUsage: { usages: ['1.3.6.1.5.5.7.3.4'] },
  })),
  spoilt('a leaf with a critical extension that nobody knows', 'ERR_PEER_EXTENSION_UNSUPPORTED', () => ({
    extraExtensions: [{ oid: '1.2.3.4', critical: true, der: element(5) }],
  })),
  spoilt('an expired leaf', 'ERR_PEER_EXPIRED', () => PAST),
  spoilt('a leaf that is not valid yet', 'ERR_PEER_NOT_YET_VALID', () => FUTURE),
  spoilt('a weak key', 'ERR_PEER_ALGORITHM_WEAK', () => ({ keyType: 'rsa-1024' })),
  spoilt('a weak signature', 'ERR_PEER_ALGORITHM_WEAK', () => ({ hash: 'SHA-1' })),
  {
    name: '130 junk certificates behind a good SVID',
    code: 'ERR_PEER_CHAIN_TOO_LONG',
    async make({ authority, other }, id) {
      const { chain, privateKey } = await authority.issueX509Svid(id);
      const [junk] = await other.bundleDer();
      return { chain: [...chain, ...Array.from({ length: 130 }, () => junk ?? new Uint8Array())], privateKey };
    },
  },
  trick('a ".." segment', (id) => id.replace('example.org/', 'example.org/a/../')),
  trick('a "." segment', (id) => id.replace('example.org/', 'example.org/./')),
  trick('percent-encoding', (id) => id.replace('example.org/', 'example.org/%2e%2e/')),
  trick('an empty segment', (id) => id.replace('example.org/', 'example.org//')),
  trick('a trailing slash', (id) => `${id}/`),
  trick('an upper-case scheme', (id) => id.replace('spiffe', 'SPIFFE')),
  trick('an upper-case trust domain', (id) => id.replace('example.org', 'EXAMPLE.ORG')),
  trick('a query', (id) => `${id}?admin`),
  trick('a fragment', (id) => `${id}#admin`),
  trick('a user', (id) => id.replace('//', '//admin@')),
  trick('a port', (id) => id.replace('example.org', 'example.org:443')),
  trick('no path', () => 'spiffe://example.org'),
  trick('2049 bytes', (id) => `${id}/`.padEnd(2049, 'a')),
  trick('a NUL', (id) => `${id}\0/admin`, 'ERR_PEER_CERTIFICATE_INVALID'),
  spoilt('an ID that is hidden in the constructed form of a string', 'ERR_PEER_CERTIFICATE_INVALID', (id) => ({
    uris: [],
    extraExtensions: [
      { oid: '2.5.29.17', critical: true, der: element(0x30, text(0x86, id), element(0xa6, text(0x16, 'spiffe://example.org/admin'))) },
    ],
  })),
];

function credentialsOf({ der, privateKey }: IssuedCertificate): Credentials {
  return { chain: [der], privateKey };
}

/** What OpenSSL 3.0 and OpenSSL 3.5 say of a handshake with one. */
export const BAD_SIGNATURE = /^ERR_SSL_(BAD_SIGNATURE|PROVIDER_SIGNATURE_FAILURE)$/;

/**
 * A certificate with a key that is not its own. OpenSSL compares the public halves before it takes the pair, so the private key is
 * written with the public half of the certificate; what it signs is still wrong.
 */
export async function stolen(world: World, id: string): Promise<Credentials> {
  const { chain, privateKey }: IssuedSvid = await world.authority.issueX509Svid(id, { keyType: 'ec-p256' });
  const publicPoint = pointOf(privateKey);
  const { d } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ format: 'jwk' });
  const ecPrivateKey = element(
    0x30,
    element(2, Uint8Array.of(1)),
    element(4, Buffer.from(d ?? '', 'base64url')),
    element(0xa1, element(3, Uint8Array.of(0), publicPoint)),
  );
  const algorithm = element(0x30, objectIdentifier('1.2.840.10045.2.1'), objectIdentifier('1.2.840.10045.3.1.7'));
  return { chain, privateKey: element(0x30, element(2, Uint8Array.of(0)), algorithm, element(4, ecPrivateKey)) };
}

function pointOf(pkcs8: Uint8Array): Uint8Array {
  const { x, y } = createPublicKey(createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
  return Buffer.concat([Uint8Array.of(4), Buffer.from(x ?? '', 'base64url'), Buffer.from(y ?? '', 'base64url')]);
}
