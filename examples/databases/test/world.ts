// The trust domain of the tests: what the database presents, and clients with the names by which a database knows them.
import { createHash } from 'node:crypto';
import { createTestAuthority, type TestAuthority } from '@ephemos/dev';
import { type Authorizer, authorizeId, openX509Source, type X509Source } from 'ephemos';
import { X509BundleSet, X509Svid } from 'ephemos/spiffe';

export const DATABASE = 'spiffe://example.org/database';
export const ORDERS = 'spiffe://example.org/orders';
export const REPORTS = 'spiffe://example.org/reports';

export interface Identity {
  readonly source: X509Source;
  readonly authorize: Authorizer;
}

export interface World extends AsyncDisposable {
  readonly authority: TestAuthority;
  /** A client that wants the database; it has this DNS name, as `spire-server entry create -dns` gives one. */
  client(id: string, dnsName?: string): Promise<Identity>;
  /** A client with exactly this subject, which does not rotate. */
  subject(id: string, subject: string): Promise<Identity>;
}

/** The files that a server reads, as PEM. */
export interface Files {
  readonly certificate: string;
  readonly key: string;
  readonly authorities: string;
}

export function openWorld(svidTtlSeconds: number = 3600): World {
  const authority = createTestAuthority('example.org', { intermediate: true, svidTtlSeconds });
  const sources: X509Source[] = [];
  const identity = (source: X509Source): Identity => {
    sources.push(source);
    return { source, authorize: authorizeId(DATABASE) };
  };
  return {
    authority,
    async client(id, dnsName) {
      // The authority may have issued it for an earlier test, and its life may be over.
      await authority.rotate();
      return identity(await authority.openX509Source(id, dnsName === undefined ? {} : { dnsNames: [dnsName] }));
    },
    async subject(id, subject) {
      const { chain, privateKey } = await authority.issueX509Svid(id, { certificate: { subject } });
      const value = {
        svids: [X509Svid.parse({ chain: Buffer.concat(chain), privateKey })],
        bundles: new X509BundleSet([await authority.bundle()]),
      };
      return identity(
        await openX509Source({
          client: {
            async *watchX509Contexts({ signal } = {}) {
              yield { type: 'update', value };
              await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
            },
          },
        }),
      );
    },
    async [Symbol.asyncDispose]() {
      for (const source of sources) await source.close();
    },
  };
}

/** What spiffe-helper would write for a server with this ID. */
export async function filesOf(authority: TestAuthority, id: string): Promise<Files> {
  const svid = await authority.issueX509Svid(id, { ttlSeconds: 3600 });
  return {
    certificate: svid.chain.map((der) => pem('CERTIFICATE', der)).join(''),
    key: pem('PRIVATE KEY', svid.privateKey),
    authorities: (await authority.bundleDer()).map((der) => pem('CERTIFICATE', der)).join(''),
  };
}

/** The same of the current SVID of a source. */
export function filesOfSource({ svid, bundles }: X509Source): Files {
  const bundle = bundles.get(svid.id.trustDomain);
  return {
    certificate: svid.chain.map((der) => pem('CERTIFICATE', der)).join(''),
    key: svid.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    authorities: (bundle?.authorities ?? []).map(({ der }) => pem('CERTIFICATE', der)).join(''),
  };
}

/** x500UniqueIdentifier as SPIRE's credential composer "uniqueid" makes it: the first half of the SHA-256 of the SPIFFE ID. */
export function uniqueIdOf(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 32);
}

/** A new SVID for everybody, and this source has it. */
export async function rotate({ authority }: World, source: X509Source): Promise<void> {
  const [before] = source.svids;
  const rotated = new Promise<void>((resolve) => {
    const stop = source.subscribe(() => {
      if (source.svids[0] === before) return;
      stop();
      resolve();
    });
  });
  await authority.rotate();
  await rotated;
}

function pem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
}
