// Clients that are not who they should be, over real sockets: each is refused with its code before a handler runs.
import { authorizeId } from 'ephemos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BAD_SIGNATURE, type Credentials, forgeries, ORDERS, openWorld, stolen, WEB, type World } from './identities.ts';
import { type VictimServer, victimServers } from './victims.ts';
import { dial } from './wire.ts';

const worlds = [
  { chain: 'without an intermediate', intermediate: false },
  { chain: 'with an intermediate', intermediate: true },
].flatMap((world) => [
  { ...world, order: 'our bundle first', ownBundleLast: false },
  { ...world, order: 'our bundle last', ownBundleLast: true },
]);

describe.each(worlds)('$chain, $order,', (options) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(options);
  });
  afterAll(() => world.close());

  describe.each(Object.entries(victimServers))('%s', (_name, open) => {
    let server: VictimServer;
    beforeAll(async () => {
      server = await open({ source: await world.source(ORDERS), authorize: authorizeId(WEB) });
    });
    afterAll(() => server[Symbol.asyncDispose]());

    /** Attacks, and gives the errors that the server told of. */
    async function attack(credentials: Credentials | undefined): Promise<readonly Error[]> {
      const before = server.errors.length;
      const { received } = await dial(server.port, credentials, { ALPNProtocols: [...server.protocols], use: server.use });
      expect(received).not.toContain('served');
      expect(server.handled()).toBe(0);
      return server.errors.slice(before);
    }

    // The order of bundles matters to forgeries of other CAs alone.
    it.each(forgeries.filter(({ code }) => !options.ownBundleLast || code === 'ERR_PEER_AUTHORITY_UNKNOWN'))(
      'refuses $name: $code',
      async ({ code, make }) => {
        expect(await attack(await make(world, WEB))).toMatchObject([{ code }]);
      },
    );

    it('refuses no certificate: ERR_PEER_CERTIFICATE_MISSING', async () => {
      expect(await attack(undefined)).toMatchObject([{ code: 'ERR_PEER_CERTIFICATE_MISSING' }]);
    });

    it('refuses a stolen certificate without its key: the handshake fails', async () => {
      expect(await attack(await stolen(world, WEB))).toMatchObject([{ code: expect.stringMatching(BAD_SIGNATURE) }]);
    });

    it('refuses TLS 1.2: the handshake fails', async () => {
      const before = server.errors.length;
      const { secure } = await dial(server.port, await world.authority.issueX509Svid(WEB), { maxVersion: 'TLSv1.2', use: server.use });
      expect([secure, server.handled()]).toEqual([false, 0]);
      expect(server.errors.slice(before)).toMatchObject([{ code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' }]);
    });

    it('still serves a good client after all of them, and calls its handler for that one alone', async () => {
      const { received, error } = await dial(server.port, await world.authority.issueX509Svid(WEB), {
        ALPNProtocols: [...server.protocols],
        use: server.use,
      });
      expect(error).toBeUndefined();
      expect(server.handled()).toBe(1);
      expect(received).toContain('served');
    });
  });
});
