import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { authorizeId, createAgent } from 'ephemos';
import { createSessionManager } from 'ephemos/connect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Orders } from '../orders_pb.js';
import { describeClient } from './client.ts';
import { codesOf, failureOf, ids, type Name, openWorld, type RunningServer, type World } from './world.ts';

describeClient({
  file: 'connect-client.js',
  server: 'connect-server.js',
  ports: 2,
  output: `gRPC over HTTP/2: ${ids.web}\nConnect over HTTP/1.1: ${ids.web}\n`,
});

/** The examples are JavaScript: to TypeScript a method of theirs could be of any kind. */
async function callerOf(send: unknown, order: { readonly id: string }): Promise<string> {
  if (typeof send !== 'function') throw new TypeError('there is no such method');
  const answer: { readonly caller: string } = await Reflect.apply(send, undefined, [order]);
  return answer.caller;
}

describe('connect-server.js', () => {
  let world: World;
  let server: RunningServer;
  beforeAll(async () => {
    world = await openWorld();
    server = await world.serve('connect-server.js', 'orders', 2);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function call(as: Name, over: 'HTTP/2' | 'HTTP/1.1', method: 'get' | 'delete'): Promise<string> {
    const options = { source: await world.open(as), authorize: authorizeId(ids.orders) };
    const [baseUrl = '', baseUrl1 = ''] = server.origins;
    await using sessionManager = createSessionManager(baseUrl, options);
    const transport: Transport =
      over === 'HTTP/2'
        ? createGrpcTransport({ baseUrl, sessionManager })
        : createConnectTransport({ baseUrl: baseUrl1, httpVersion: '1.1', nodeOptions: { agent: createAgent(options) } });
    const client = createClient(Orders, transport);
    return await callerOf(client[method], { id: '7' });
  }

  describe.each(['HTTP/2', 'HTTP/1.1'] as const)('over %s', (over) => {
    it('serves a caller that may connect, and the handler sees its SPIFFE ID', async () => {
      expect(await call('web', over, 'get')).toBe(ids.web);
    });

    it('answers permission_denied on a method that is for somebody else, and serves that one', async () => {
      expect(ConnectError.from(await failureOf(call('web', over, 'delete')))).toMatchObject({ code: Code.PermissionDenied });
      expect(await call('ops', over, 'delete')).toBe(ids.ops);
    });

    it('closes on a stranger, who is told why that may be', async () => {
      expect(codesOf(await failureOf(call('stranger', over, 'get')))).toContain('ERR_CONNECT_FAILED');
    });
  });
});
