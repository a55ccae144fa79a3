import { createRedisConnector, peerOf } from 'ephemos/ioredis';
import { Redis, type RedisOptions } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bounded, failureOf, untilHolds } from './events.ts';
import { LIVES } from './load.ts';
import { programsOf } from './postgres-server.ts';
import { openRedis, type RedisServer } from './redis-server.ts';
import { DATABASE, filesOf, type Identity, ORDERS, openWorld, rotate, type World } from './world.ts';

const TTL_SECONDS = 5;
const RUN_MS = LIVES * TTL_SECONDS * 1000;

let world: World;
let database: RedisServer;
beforeAll(async () => {
  world = openWorld(TTL_SECONDS);
  database = await openRedis({ files: await filesOf(world.authority, DATABASE), program: programsOf('REDIS') });
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

const clients = new Set<Redis>();
/** A client of one of both major versions, which share what is used of them here. */
function clientOf(identity: Identity, options: RedisOptions = {}, Class: new (options: RedisOptions) => Redis = Redis): Redis {
  const { host, port } = database;
  const redis = new Class({ host, port, Connector: createRedisConnector(identity), ...options });
  redis.on('error', () => undefined);
  clients.add(redis);
  return redis;
}
afterAll(() => {
  for (const redis of clients) redis.disconnect();
});

const versions = [
  { name: 'ioredis 6', Class: Redis },
  { name: 'ioredis 5', Class: fiveAsSix() },
];

describe('Redis 7 and its client', () => {
  it('the server admits whoever has a certificate of its authorities, and sees nothing of whose it is', async () => {
    const redis = clientOf(await world.client(ORDERS, 'orders'));
    expect(await redis.call('ACL', 'WHOAMI')).toBe('default');
    const [own] = String(await redis.client('LIST', 'ID', await redis.client('ID'))).split('\n');
    expect(own).toMatch(/ user=default /);
    expect(own).not.toMatch(/orders|spiffe/);
    process.stdout.write(`CLIENT LIST: ${own}\n`);
  });

  it('an ACL user is a name and a password, on top of the certificate', async () => {
    const identity = await world.client(ORDERS, 'orders');
    const redis = clientOf(identity, { username: 'reports', password: 'secret' });
    expect(await redis.call('ACL', 'WHOAMI')).toBe('reports');
    expect(await failureOf(redis.set('orders:1', 'x'))).toMatchObject({ message: expect.stringMatching('NOPERM') });
    const wrong = clientOf(identity, { username: 'reports', password: 'wrong', retryStrategy: null });
    expect(await failureOf(wrong.get('x'))).toMatchObject({ message: expect.stringMatching('WRONGPASS') });
  });

  it('a client without a certificate gets nothing', async () => {
    const { host, port } = database;
    const redis = new Redis({ host, port, tls: { rejectUnauthorized: false, checkServerIdentity: () => undefined }, retryStrategy: null });
    redis.on('error', () => undefined);
    expect(await failureOf(redis.get('x'))).toBeInstanceOf(Error);
  });
});

describe.each(versions)('createRedisConnector with $name', ({ Class }) => {
  it('says who answers, and takes rediss:// too', async () => {
    const redis = clientOf(await world.client(ORDERS), { tls: {} }, Class);
    expect(await redis.ping()).toBe('PONG');
    expect(peerOf(redis.stream).id.toString()).toBe(DATABASE);
  });

  it('refuses a server with another SPIFFE ID with our error, tries on, and serves what waited once the right one is back', async () => {
    const identity = await world.client(ORDERS);
    await database.present(await filesOf(world.authority, 'spiffe://example.org/intruder'));
    const redis = clientOf(identity, {}, Class);
    const errors: unknown[] = [];
    const twice = new Promise<void>((resolve) => {
      redis.on('error', (error) => {
        errors.push(error);
        if (errors.length === 2) resolve();
      });
    });
    const waiting = redis.incr('intruded');
    await bounded(twice, 'two refusals');
    expect(errors[1]).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED', message: expect.stringMatching('spiffe://example.org/intruder') });
    expect(await database.stock.exists('intruded')).toBe(0);
    await database.present(await filesOf(world.authority, DATABASE));
    expect(await waiting).toBe(1);
    await database.stock.del('intruded');
  });

  it('replaces its connection before the certificate expires: every INCR under load counts once and none fails', {
    timeout: 90_000,
  }, async () => {
    const identity = await world.client(ORDERS);
    const redis = clientOf(identity, {}, Class);
    const ports = new Set<number | undefined>();
    const errors: Error[] = [];
    redis.on('error', (error: Error) => errors.push(error)).on('ready', () => ports.add(redis.stream.localPort));
    const rotation = setInterval(() => void rotate(world, identity.source), (TTL_SECONDS * 1000) / 2);
    const until = performance.now() + RUN_MS;
    let sent = 0;
    const failures: unknown[] = [];
    await Promise.all(
      Array.from({ length: 16 }, async (_, worker) => {
        while (performance.now() < until) {
          const work = worker % 4 === 0 ? redis.multi().incr('counter').incr('counter').exec() : redis.incr('counter');
          await work.then(
            () => {
              sent += worker % 4 === 0 ? 2 : 1;
            },
            (error: unknown) => failures.push(error),
          );
        }
      }),
    );
    clearInterval(rotation);
    const counted = Number(await redis.get('counter'));
    await database.stock.del('counter');
    process.stdout.write(
      `${sent} increments over ${ports.size} connections in ${RUN_MS / 1000} s, ${failures.length} failed, counted ${counted}\n`,
    );
    expect(failures).toEqual([]);
    expect(errors).toEqual([]);
    expect(counted).toBe(sent);
    expect(ports.size).toBeGreaterThanOrEqual(LIVES);
  });

  it('stays between WATCH and EXEC while it drains, so that the watch holds', async () => {
    const identity = await world.client(ORDERS);
    const redis = clientOf(identity, {}, Class);
    await redis.ping();
    const { notAfter } = identity.source.svid;
    const { localPort } = redis.stream;
    await redis.watch('stock');
    await rotate(world, identity.source);
    // Meanwhile the connection is told to leave.
    await bounded(new Promise((resolve) => setTimeout(resolve, notAfter - Date.now() - 1_000)), 'the last second');
    expect(redis.stream.localPort).toBe(localPort);
    await database.stock.incr('stock');
    const replaced = new Promise((resolve) => redis.once('ready', resolve));
    expect(await redis.multi().set('stock', '0').exec()).toBeNull();
    await bounded(replaced, 'the next connection');
    expect(redis.stream.localPort).not.toBe(localPort);
    await database.stock.del('stock');
  });

  it('subscribes again on its next connection', async () => {
    const identity = await world.client(ORDERS);
    const redis = clientOf(identity, {}, Class);
    await redis.subscribe('news');
    const again = new Promise((resolve) => redis.once('ready', resolve));
    await rotate(world, identity.source);
    await bounded(again, 'the next connection');
    const heard = new Promise((resolve) => redis.once('message', (_channel, text) => resolve(text)));
    await untilHolds(
      () => database.stock.publish('news', 'hello'),
      (receivers) => receivers > 0,
      'the subscription',
    );
    expect(await bounded(heard, 'the message')).toBe('hello');
  });

  it('ends a connection whose server is no longer admitted', async () => {
    let admits = true;
    const { source } = await world.client(ORDERS);
    const Connector = createRedisConnector({ source, authorize: () => admits });
    const redis = clientOf({ source, authorize: () => admits }, { Connector }, Class);
    await redis.ping();
    const refused = new Promise((resolve) => redis.once('error', resolve));
    admits = false;
    await Connector.reauthorize();
    expect(await bounded(refused, 'the refusal')).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
    admits = true;
    expect(await redis.ping()).toBe('PONG');
  });

  it('ends with quit and disconnect, also in the middle of connecting', async () => {
    const identity = await world.client(ORDERS);
    for (const leave of ['quit', 'disconnect', 'early'] as const) {
      const redis = clientOf(identity, {}, Class);
      const ended = new Promise((resolve) => redis.once('end', resolve));
      if (leave !== 'early') await redis.ping();
      if (leave === 'quit') await redis.quit();
      else redis.disconnect();
      await bounded(ended, leave);
    }
  });
});

describe('createRedisConnector', () => {
  it('refuses sentinels when the client is made', async () => {
    const Connector = createRedisConnector(await world.client(ORDERS));
    const attempt = (): Redis => new Redis({ Connector, sentinels: [{ host: 'localhost', port: 26379 }], name: 'main' });
    expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
  });
});

function fiveAsSix(): new (options: RedisOptions) => Redis {
  const Class: unknown = Redis5;
  if (!isClass(Class)) throw new TypeError('ioredis 5 exports no class');
  return Class;
}

// The declarations of both differ; what the tests use is the same.
function isClass(value: unknown): value is new (options: RedisOptions) => Redis {
  return typeof value === 'function';
}
