// Policies that fail, over real sockets: whatever goes wrong in an authorizer, nobody is let in.
import { type Authorizer, allOf, anyOf, not } from 'ephemos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from '../support/events.ts';
import { untyped } from '../support/untyped.ts';
import { ORDERS, openWorld, WEB, type World } from './identities.ts';
import { victimClients, victimServers } from './victims.ts';
import { dial, openRogueServer } from './wire.ts';

/** An authorizer as it comes from JavaScript, or from a compiler that made promises of async functions. */
function returning(answer: () => unknown): Authorizer {
  const authorizers: Authorizer[] = [];
  untyped((authorizer: Authorizer) => authorizers.push(authorizer), answer);
  const [authorizer] = authorizers;
  if (authorizer === undefined) throw new Error('no authorizer');
  return authorizer;
}

const promising = returning(() => Promise.resolve(true));
const failing = returning(() => Promise.reject(new Error('the policy is gone')));
const broken: readonly (readonly [string, Authorizer])[] = [
  [
    'throws',
    () => {
      throw new Error('the policy is gone');
    },
  ],
  ['returns nothing', returning(() => undefined)],
  ['returns 1', returning(() => 1)],
  ['returns a text', returning(() => 'true')],
  ['returns an object', returning(() => ({ admitted: true }))],
  ['returns a promise of true', promising],
  ['returns a promise that fails', failing],
  ['returns a thenable', returning(() => Object.fromEntries([['then', (resolve: (value: boolean) => void) => resolve(true)]]))],
  ['is all of one that promises', allOf(promising)],
  ['is any of one that fails', anyOf(failing)],
  ['is the opposite of one that fails', not(failing)],
  ['says no', () => false],
];

let world: World;
beforeAll(async () => {
  world = await openWorld({ intermediate: true });
});
afterAll(() => world.close());

describe.each(broken)('an authorizer that %s', (_what, authorize) => {
  it.each(Object.entries(victimServers))('lets nobody into %s', async (_name, open) => {
    await using server = await open({ source: await world.source(ORDERS), authorize });
    const good = await world.authority.issueX509Svid(WEB);
    const { received } = await dial(server.port, good, { ALPNProtocols: [...server.protocols], use: server.use });
    expect(server.errors).toMatchObject([{ code: 'ERR_PEER_UNAUTHORIZED' }]);
    expect([server.handled(), received.includes('served')]).toEqual([0, false]);
  });

  it.each(Object.entries(victimClients))('lets %s talk to nobody', async (_name, create) => {
    await using server = await openRogueServer(await world.authority.issueX509Svid(ORDERS));
    await using client = create({ source: await world.source(WEB), authorize });
    const reason = client.reasonOf(await failureOf(client.request(server.port)));
    if (typeof reason === 'string') expect(reason).toContain(`the authorizer does not admit ${ORDERS}`);
    else expect(reason).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
    expect(server.received()).toBe(0);
  });
});
