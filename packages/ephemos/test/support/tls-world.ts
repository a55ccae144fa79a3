// A trust domain in memory with a server identity and a client identity, for tests over real sockets.
import { type AuthorityOptions, createTestAuthority, type TestAuthority } from '@ephemos/dev';
import { type Authorizer, authorizeId, type X509Source } from 'ephemos';

export const ORDERS = 'spiffe://example.org/orders';
export const WEB = 'spiffe://example.org/web';
export const OPS = 'spiffe://example.org/ops';

/** What a server or client of ours takes. */
export interface Identity {
  readonly source: X509Source;
  readonly authorize: Authorizer;
}

export interface TlsWorld extends AsyncDisposable {
  readonly authority: TestAuthority;
  /** Of the server: it is orders and admits web. */
  readonly server: Identity;
  /** Of the client: it is web and wants orders. */
  readonly client: Identity;
  /** Another source of this trust domain, closed with the world. */
  open(id: string): Promise<X509Source>;
}

export async function openTlsWorld(options?: AuthorityOptions): Promise<TlsWorld> {
  const authority = createTestAuthority('example.org', options);
  const sources: X509Source[] = [];
  async function open(id: string): Promise<X509Source> {
    const source = await authority.openX509Source(id);
    sources.push(source);
    return source;
  }
  return {
    authority,
    open,
    server: { source: await open(ORDERS), authorize: authorizeId(WEB) },
    client: { source: await open(WEB), authorize: authorizeId(ORDERS) },
    async [Symbol.asyncDispose]() {
      for (const source of sources) await source.close();
    },
  };
}

/** Resolves as soon as the condition holds, looked at now and after every change of the source. */
export function untilSource(source: X509Source, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    function check(): void {
      if (!condition()) return;
      stop();
      resolve();
    }
    const stop = source.subscribe(() => queueMicrotask(check));
    check();
  });
}

/** New SVIDs for everybody, and every one of these sources has it. */
export async function rotateAll(world: TlsWorld, ...sources: readonly X509Source[]): Promise<void> {
  const before = sources.map(({ svid }) => svid);
  await world.authority.rotate();
  await Promise.all(sources.map((source, index) => untilSource(source, () => source.svid !== before[index])));
}

/** The leaf of a peer or SVID, as text that can be compared. */
export function leafOf({ chain: [leaf] }: { readonly chain: readonly Uint8Array[] }): string {
  return Buffer.from(leaf ?? []).toString('base64');
}
