// An async authorizer does not compile (this file is checked by the compiler) and, when JavaScript passes one all the same, admits nobody.
import { createTestAuthority } from '@ephemos/dev';
import { type Authorizer, allOf, anyOf, createAgent, createFetch, createServer, not, type X509Source } from 'ephemos';
import { createChannelCredentials } from 'ephemos/grpc';
import { createHttp2Client, createHttp2Server } from 'ephemos/http2';
import { connect, listen } from 'ephemos/tls';
import { createDispatcher } from 'ephemos/undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outcomeOf } from '../spiffe/certificates.ts';

const later = async (): Promise<boolean> => true;

let source: X509Source;
beforeAll(async () => {
  source = await createTestAuthority('example.org').openX509Source('spiffe://example.org/web');
});
afterAll(() => source.close());

describe('an async authorizer', () => {
  it('is no Authorizer to the compiler', () => {
    // @ts-expect-error a promise is no boolean
    const authorizer: Authorizer = later;
    // @ts-expect-error nor is a promise or a boolean
    const either: Authorizer = (peer) => (peer.id.path === '/web' ? later() : true);
    // @ts-expect-error nor is nothing
    const nothing: Authorizer = () => undefined;
    expect([authorizer, either, nothing]).toHaveLength(3);
  });

  it('is refused by everything that takes an authorizer, before anything is opened', async () => {
    const calls: readonly (() => unknown)[] = [
      // @ts-expect-error async
      () => createServer({ source, authorize: later }),
      // @ts-expect-error async
      () => createHttp2Server({ source, authorize: later }),
      // @ts-expect-error async
      () => createAgent({ source, authorize: later }),
      // @ts-expect-error async
      () => createFetch({ source, authorize: later }),
      // @ts-expect-error async
      () => createDispatcher({ source, authorize: later }),
      // @ts-expect-error async
      () => createHttp2Client('https://localhost', { source, authorize: later }),
      // @ts-expect-error async
      () => createChannelCredentials({ source, authorize: later }),
      // @ts-expect-error async
      () => allOf(later),
      // @ts-expect-error async
      () => anyOf(() => true, later),
      // @ts-expect-error async
      () => not(later),
    ];
    for (const call of calls) expect(outcomeOf(call)).toBe('ERR_AUTHORIZER_INVALID');
    // @ts-expect-error async
    await expect(listen({ source, authorize: later }, () => undefined)).rejects.toMatchObject({ code: 'ERR_AUTHORIZER_INVALID' });
    // @ts-expect-error async
    await expect(connect({ source, authorize: later, host: 'localhost', port: 1 })).rejects.toMatchObject({
      code: 'ERR_AUTHORIZER_INVALID',
    });
  });

  it('that is left out is refused in the same way', () => {
    // @ts-expect-error no authorizer
    expect(outcomeOf(() => createServer({ source }))).toBe('ERR_AUTHORIZER_INVALID');
    // @ts-expect-error no authorizer
    expect(outcomeOf(() => createFetch({ source }))).toBe('ERR_AUTHORIZER_INVALID');
  });
});
