import {
  type ChannelCredentials,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import type { Authorizer } from 'ephemos';
import { createChannelCredentials, createGrpcListener, peerOf, requirePeer } from 'ephemos/grpc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from '../support/events.ts';
import { createEchoClient, jsonMethod, type Message } from '../support/grpc-echo.ts';
import { listening } from '../support/listening.ts';
import { type AdapterWorld, isOps, OPS, openAdapterWorld, recordDecisions, WEB } from './world.ts';

let world: AdapterWorld;
beforeAll(async () => {
  world = await openAdapterWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Echo and Count behind an interceptor, and the calls that reached their handlers. */
function guardedServer(authorize: Authorizer): { readonly server: Server; readonly reached: string[] } {
  const reached: string[] = [];
  const server = new Server({ interceptors: [requirePeer(authorize)] });
  server.addService(
    { echo: jsonMethod('Echo', false, false), count: jsonMethod('Count', false, true) },
    {
      echo(call: ServerUnaryCall<Message, Message>, done: sendUnaryData<Message>) {
        reached.push('echo');
        done(null, { text: `${call.request.text} from ${peerOf(call).id}` });
      },
      count(call: ServerWritableStream<Message, Message>) {
        reached.push('count');
        call.write({ text: `for ${peerOf(call).id}` });
        call.end();
      },
    },
  );
  return { server, reached };
}

describe('requirePeer of ephemos/grpc', () => {
  it('lets calls of whom the authorizer admits pass, one by one, and says who calls', async () => {
    const { server, reached } = guardedServer((peer, target) => isOps(peer) || (target?.protocol === 'grpc' && target.method === 'Echo'));
    await using open = await listening(createGrpcListener(server, world.server));
    using web = createEchoClient(`127.0.0.1:${open.port}`, createChannelCredentials(world.web));
    using ops = createEchoClient(`127.0.0.1:${open.port}`, createChannelCredentials(world.ops));
    using record = recordDecisions();
    expect(await web.echo('hello')).toBe(`hello from ${WEB}`);
    expect(await failureOf(web.count(1))).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: `the authorizer does not admit ${WEB}`,
    });
    expect(await ops.count(1)).toEqual([`for ${OPS}`]);
    expect(reached).toEqual(['echo', 'count']);
    expect(record.decisions).toMatchObject([
      { target: '/test.Echo/Echo', peer: WEB, allowed: true, remoteAddress: '127.0.0.1' },
      { target: '/test.Echo/Count', peer: WEB, allowed: false },
      { target: '/test.Echo/Count', peer: OPS, allowed: true },
    ]);
    server.forceShutdown();
  });

  it('refuses when the authorizer throws, and the process lives on', async () => {
    const { server, reached } = guardedServer(() => {
      throw new Error('no such rule');
    });
    await using open = await listening(createGrpcListener(server, world.server));
    using web = createEchoClient(`127.0.0.1:${open.port}`, createChannelCredentials(world.web));
    expect(await failureOf(web.echo('hello'))).toMatchObject({ code: status.PERMISSION_DENIED });
    expect(reached).toEqual([]);
    server.forceShutdown();
  });

  it('ends every call with UNAUTHENTICATED on a port that the server opened by itself', async () => {
    const { server, reached } = guardedServer(() => true);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    const plain: ChannelCredentials = credentials.createInsecure();
    using client = createEchoClient(`127.0.0.1:${port}`, plain);
    expect(await failureOf(client.echo('hello'))).toMatchObject({ code: status.UNAUTHENTICATED });
    expect(reached).toEqual([]);
    server.forceShutdown();
  });

  it('takes an empty message as well as a cancelled call in its stride', async () => {
    const { server } = guardedServer(isOps);
    await using open = await listening(createGrpcListener(server, world.server));
    using web = createEchoClient(`127.0.0.1:${open.port}`, createChannelCredentials(world.web));
    const call = web.client.makeServerStreamRequest('/test.Echo/Count', Buffer.from, String, '', new Metadata());
    const ended = new Promise((resolve) => call.on('error', resolve));
    call.cancel();
    expect(await ended).toMatchObject({ code: status.CANCELLED });
    expect(await failureOf(web.echo('hello'))).toMatchObject({ code: status.PERMISSION_DENIED });
    server.forceShutdown();
  });
});
