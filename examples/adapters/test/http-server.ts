// The same tests for every HTTP framework: its example in a process, and calls to it as web, as ops and as a stranger.
import { authorizeId, createFetch, type EphemosFetch } from 'ephemos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codesOf, failureOf, ids, type Name, openWorld, type RunningServer, type World } from './world.ts';

export function describeHttpServer(file: string): void {
  describe(file, () => {
    let world: World;
    let server: RunningServer;
    beforeAll(async () => {
      world = await openWorld();
      server = await world.serve(file, 'orders');
    });
    afterAll(() => world[Symbol.asyncDispose]());

    async function ask(as: Name, method: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
      await using fetch: EphemosFetch = createFetch({ source: await world.open(as), authorize: authorizeId(ids.orders) });
      const response = await fetch(`${server.origins[0]}${path}`, { method, headers });
      return `${response.status} ${await response.text()}`;
    }

    it('serves a caller that may connect, and the handler sees its SPIFFE ID', async () => {
      expect(await ask('web', 'GET', '/orders')).toBe(`200 orders for ${ids.web}`);
    });

    it('takes the caller from no header', async () => {
      const headers = { 'x-forwarded-client-cert': `URI=${ids.ops}`, 'x-http-method-override': 'DELETE' };
      expect(await ask('web', 'GET', '/orders', headers)).toBe(`200 orders for ${ids.web}`);
      expect(await ask('web', 'DELETE', '/orders/7', headers)).toMatch(/^403/);
    });

    it('answers 403 on a route that is for somebody else, and serves that one', async () => {
      expect(await ask('web', 'DELETE', '/orders/7')).toMatch(/^403/);
      expect(await ask('ops', 'DELETE', '/orders/7')).toBe(`200 7 deleted for ${ids.ops}`);
    });

    it('closes on a stranger, who is told why that may be', async () => {
      expect(codesOf(await failureOf(ask('stranger', 'GET', '/orders')))).toContain('ERR_CONNECT_FAILED');
      expect(await ask('web', 'GET', '/orders')).toBe(`200 orders for ${ids.web}`);
    });
  });
}
