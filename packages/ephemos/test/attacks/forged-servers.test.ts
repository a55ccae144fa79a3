// Servers that are not who they should be, over real sockets: each is refused with its code before a byte of a request is sent.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer as createTcpServer } from 'node:net';
import { authorizeId, type EphemosError, isEphemosError } from 'ephemos';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bounded, failureOf } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { BAD_SIGNATURE, type Credentials, forgeries, ORDERS, openWorld, stolen, WEB, type World } from './identities.ts';
import { type VictimClient, victimClients } from './victims.ts';
import { openRogueServer } from './wire.ts';

const refusals: EphemosError[] = [];
function onRefused(message: unknown): void {
  if (typeof message === 'object' && message !== null && 'error' in message && isEphemosError(message.error)) refusals.push(message.error);
}
beforeEach(() => {
  refusals.length = 0;
  subscribe('ephemos:tls:refused', onRefused);
});
afterEach(() => void unsubscribe('ephemos:tls:refused', onRefused));

const worlds = [
  { chain: 'without an intermediate', intermediate: false, ownBundleLast: false },
  { chain: 'with an intermediate', intermediate: true, ownBundleLast: true },
];

describe.each(worlds)('$chain', (options) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(options);
  });
  afterAll(() => world.close());

  describe.each(Object.entries(victimClients))('%s', (_name, create) => {
    let client: VictimClient;
    beforeAll(async () => {
      client = create({ source: await world.source(WEB), authorize: authorizeId(ORDERS) });
    });
    afterAll(() => client[Symbol.asyncDispose]());

    /** Makes a request to the server of an attacker, and gives what the client says about it. */
    async function attack(credentials: Credentials): Promise<unknown> {
      await using rogue = await openRogueServer(credentials);
      const failure = await failureOf(client.request(rogue.port));
      expect(rogue.received()).toBe(0);
      return client.reasonOf(failure);
    }

    it.each(forgeries)('refuses $name: $code', async ({ code, make }) => {
      const reason = await attack(await make(world, ORDERS));
      expect(refusals[0]?.code).toBe(code);
      if (typeof reason === 'string') expect(reason).toContain(refusals[0]?.message);
      else expect(reason).toBe(refusals[0]);
    });

    it('refuses a stolen certificate without its key: the handshake fails', async () => {
      const reason = await attack(await stolen(world, ORDERS));
      if (typeof reason === 'string') expect(reason).toMatch(/bad signature|signature failure/);
      else expect(reason).toMatchObject({ code: expect.stringMatching(BAD_SIGNATURE) });
    });

    it('refuses a server that speaks TLS 1.2 and nothing newer', async () => {
      await using rogue = await openRogueServer(await world.authority.issueX509Svid(ORDERS), { maxVersion: 'TLSv1.2' });
      const reason = client.reasonOf(await failureOf(client.request(rogue.port)));
      if (typeof reason === 'string') expect(reason).toMatch(/protocol version/);
      else expect(reason).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
      expect([rogue.handshakes(), rogue.received()]).toEqual([0, 0]);
    });

    it('sends nothing of a request to a server that speaks no TLS', async () => {
      let received = Buffer.alloc(0);
      await using plain = await listening(
        createTcpServer((socket) => {
          socket.on('error', () => undefined);
          socket.on('data', (chunk: Buffer) => {
            received = Buffer.concat([received, chunk]);
            socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
          });
        }),
      );
      expect(client.reasonOf(await failureOf(client.request(plain.port)))).toBeDefined();
      // A ClientHello and nothing else.
      expect(received[0]).toBe(0x16);
      expect(received.toString('latin1')).not.toContain('secret');
    });

    it('sends its request to a good server', async () => {
      await using good = await openRogueServer(await world.authority.issueX509Svid(ORDERS));
      client.request(good.port).catch(() => undefined);
      await bounded(good.firstBytes, 'no request');
      expect([good.handshakes(), refusals]).toEqual([1, []]);
    });
  });
});
