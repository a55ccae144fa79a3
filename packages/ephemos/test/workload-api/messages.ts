// Messages of a Workload API as bytes, and readers of watches.
import { create, toBinary } from '@bufbuild/protobuf';
import { createTestAuthority } from '@ephemos/dev';
import { type WatchEvent, X509SVIDResponseSchema } from 'ephemos/workload-api';
import { bounded } from '../support/events.ts';

export const WEB = 'spiffe://example.org/web';

/** A good update with one SVID. */
export async function goodMessage(): Promise<Uint8Array> {
  const authority = createTestAuthority('example.org');
  const { chain, privateKey } = await authority.issueX509Svid(WEB);
  const bundle = Buffer.concat(await authority.bundleDer());
  const svid = { spiffeId: WEB, x509Svid: Buffer.concat(chain), x509SvidKey: privateKey, bundle };
  return toBinary(X509SVIDResponseSchema, create(X509SVIDResponseSchema, { svids: [svid] }));
}

/** An update without SVIDs: a message, but none that may be taken. */
export const EMPTY_MESSAGE: Uint8Array = toBinary(X509SVIDResponseSchema, create(X509SVIDResponseSchema, {}));

/** Bytes that are no message: a field that is longer than all there is. */
export const NO_MESSAGE: Uint8Array = Uint8Array.of(0x0a, 0x7f);

/** Reads events until one fits, and leaves the loop then. */
export function readUntil<T>(
  events: AsyncIterable<WatchEvent<T>>,
  fits: (event: WatchEvent<T>) => boolean,
): Promise<readonly WatchEvent<T>[]> {
  async function read(): Promise<readonly WatchEvent<T>[]> {
    const seen: WatchEvent<T>[] = [];
    for await (const event of events) {
      seen.push(event);
      if (fits(event)) return seen;
    }
    throw new Error(`the watch ended after ${codesOf(seen).join(', ')}`);
  }
  return bounded(read(), 'the event');
}

export function isUpdate({ type }: WatchEvent<unknown>): boolean {
  return type === 'update';
}

/** `update`, or the code of the error, for each event. */
export function codesOf(events: readonly WatchEvent<unknown>[]): readonly string[] {
  return events.map((event) => (event.type === 'error' ? event.error.code : 'update'));
}
