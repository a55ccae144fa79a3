// Every forgery of the attack tests against both database clients: refused with its code before a byte of the protocol is sent.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, connect as netConnect } from 'node:net';
import { authorizeId, type ClientOptions, type EphemosError, isEphemosError } from 'ephemos';
import { createRedisConnector } from 'ephemos/ioredis';
import { createPgStream } from 'ephemos/pg';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BAD_SIGNATURE, forgeries, ORDERS, openWorld, stolen, WEB, type World } from '../attacks/identities.ts';
import { openRogueServer } from '../attacks/wire.ts';
import { bounded, failureOf } from '../support/events.ts';
import { type Listening, listening } from '../support/listening.ts';

const host = '127.0.0.1';

/** Answers the request for TLS in the name of a server that begins with it. */
function openFront(port: number): Promise<Listening<ReturnType<typeof createServer>>> {
  const server = createServer((client) => {
    client
      .on('error', () => undefined)
      .once('data', () => {
        client.write('S');
        const back = netConnect(port, host).on('error', () => client.destroy());
        client.once('close', () => back.destroy());
        client.pipe(back).pipe(client);
      });
  });
  return listening(server);
}

const clients: Readonly<Record<string, (options: ClientOptions, port: number) => Promise<unknown>>> = {
  async pg(options, port) {
    await using front = await openFront(port);
    const client = new Client({
      stream: createPgStream(options),
      host,
      port: front.port,
      user: 'web',
      database: 'shop',
      password: 'secret',
    });
    client.on('error', () => undefined);
    return await failureOf(client.connect());
  },

  async ioredis(options, port) {
    const redis = new Redis({ host, port, password: 'secret', Connector: createRedisConnector(options), retryStrategy: null });
    const error = new Promise<unknown>((resolve) => redis.once('error', resolve));
    return bounded(error, 'the error');
  },
};

const refusals: EphemosError[] = [];
function onRefused(message: unknown): void {
  if (typeof message === 'object' && message !== null && 'error' in message && isEphemosError(message.error)) refusals.push(message.error);
}
beforeEach(() => {
  refusals.length = 0;
  subscribe('ephemos:tls:refused', onRefused);
});
afterEach(() => void unsubscribe('ephemos:tls:refused', onRefused));

describe.each([{ intermediate: false }, { intermediate: true }])('intermediate $intermediate', (options) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(options);
  });
  afterAll(() => world.close());

  describe.each(Object.entries(clients))('%s', (_name, attempt) => {
    it.each(forgeries)('refuses $name: $code', async ({ code, make }) => {
      await using rogue = await openRogueServer(await make(world, ORDERS), { ALPNProtocols: ['postgresql'] });
      const error = await attempt({ source: await world.source(WEB), authorize: authorizeId(ORDERS) }, rogue.port);
      expect(error).toBe(refusals[0]);
      expect(error).toMatchObject({ code });
      expect(rogue.received()).toBe(0);
    });

    it('refuses a stolen certificate without its key', async () => {
      await using rogue = await openRogueServer(await stolen(world, ORDERS), { ALPNProtocols: ['postgresql'] });
      const error = await attempt({ source: await world.source(WEB), authorize: authorizeId(ORDERS) }, rogue.port);
      expect(error).toMatchObject({ code: expect.stringMatching(BAD_SIGNATURE) });
      expect(rogue.received()).toBe(0);
    });
  });
});
