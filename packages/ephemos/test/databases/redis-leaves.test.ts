// What happens to commands around the end of a connection, on a server that answers when the test says so.
import type { TLSSocket } from 'node:tls';
import { createRedisConnector } from 'ephemos/ioredis';
import { listen } from 'ephemos/tls';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { RespReader } from '../../src/databases/resp.ts';
import { bounded, untilHolds } from '../support/events.ts';
import { openTlsWorld, type TlsWorld } from '../support/tls-world.ts';

const host = '127.0.0.1';
/** No commands but those of the test. */
const BARE = { enableReadyCheck: false, disableClientInfo: true, protocol: 2 } as const;

interface SlowRedis extends AsyncDisposable {
  readonly redis: Redis;
  /** The commands that arrived, each with the number of its connection. */
  readonly commands: readonly string[];
  /** Answers the next command that has no answer. */
  answer(text: string): void;
  arrived(count: number): Promise<void>;
  /** Writes more to the connection that was answered last. */
  finish(text: string): void;
}

async function openSlowRedis(world: TlsWorld): Promise<SlowRedis> {
  const commands: string[] = [];
  const waiting: TLSSocket[] = [];
  let last: TLSSocket | undefined;
  let connections = 0;
  const listener = await listen({ ...world.server, host }, (socket) => {
    connections += 1;
    const number = connections;
    const reader = new RespReader(({ name }) => {
      commands.push(`${number} ${name}`);
      waiting.push(socket);
    });
    socket.on('data', (chunk: Buffer) => reader.read(chunk));
  });
  const redis = new Redis({ ...BARE, host, port: listener.address().port, Connector: createRedisConnector(world.client) });
  redis.on('error', () => undefined);
  return {
    redis,
    commands,
    answer(text) {
      last = waiting.shift();
      last?.write(text);
    },
    finish: (text) => void last?.write(text),
    arrived: (count) => untilHolds(() => commands.length >= count, `${count} commands`),
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await listener.close();
    },
  };
}

const draining = ({ redis }: SlowRedis): Promise<void> => untilHolds(() => !redis.stream.writable, 'the connection drains');

describe.concurrent('a connection of ioredis that drains', () => {
  it('waits for the answers of what was sent; what comes meanwhile goes over the next one, and nothing goes twice', async () => {
    await using world = await openTlsWorld({ svidTtlSeconds: 4 });
    await using slow = await openSlowRedis(world);
    const first = slow.redis.incr('a');
    const second = slow.redis.get('b');
    await slow.arrived(2);
    await draining(slow);
    await world.authority.rotate();
    const third = slow.redis.incr('c');
    slow.answer(':1\r\n');
    expect(await first).toBe(1);
    // Half of an answer is none.
    const half = new Promise((resolve) => slow.redis.stream.once('data', resolve));
    slow.answer('$5\r\nhel');
    await half;
    expect(slow.redis.stream.destroyed).toBe(false);
    expect(slow.commands).toEqual(['1 INCR', '1 GET']);
    slow.finish('lo\r\n');
    expect(await second).toBe('hello');
    await slow.arrived(3);
    slow.answer(':2\r\n');
    expect(await third).toBe(2);
    expect(slow.commands).toEqual(['1 INCR', '1 GET', '2 INCR']);
  });

  it('is closed when its certificate ends before the answer has come, and ioredis asks again', async () => {
    await using world = await openTlsWorld({ svidTtlSeconds: 4 });
    await using slow = await openSlowRedis(world);
    const asked = slow.redis.get('a');
    await slow.arrived(1);
    await draining(slow);
    await world.authority.rotate();
    await slow.arrived(2);
    expect(slow.commands).toEqual(['1 GET', '2 GET']);
    slow.answer('nobody reads this');
    slow.answer('$5\r\nhello\r\n');
    expect(await asked).toBe('hello');
  });

  it('is left at once when nothing is under way', async () => {
    await using world = await openTlsWorld({ svidTtlSeconds: 4 });
    await using slow = await openSlowRedis(world);
    const first = slow.redis.ping();
    await slow.arrived(1);
    slow.answer('+PONG\r\n');
    await first;
    const again = new Promise((resolve) => slow.redis.once('ready', resolve));
    await world.authority.rotate();
    await bounded(again, 'the next connection');
    const second = slow.redis.ping();
    await slow.arrived(2);
    slow.answer('+PONG\r\n');
    await second;
    expect(slow.commands).toEqual(['1 PING', '2 PING']);
  });
});
