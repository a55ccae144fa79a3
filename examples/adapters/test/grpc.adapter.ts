import { fileURLToPath } from 'node:url';
import { Client, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { authorizeId } from 'ephemos';
import { createChannelCredentials } from 'ephemos/grpc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeClient } from './client.ts';
import { failureOf, ids, type Name, openWorld, type RunningServer, type World } from './world.ts';

describeClient({
  file: 'grpc-client.js',
  server: 'grpc-server.js',
  output: `/orders.v1.Orders/Get answered by ${ids.orders}\nthe server knows us as ${ids.web}\n`,
});

const service = loadSync(fileURLToPath(new URL('../proto/orders.proto', import.meta.url)))['orders.v1.Orders'];

describe('grpc-server.js', () => {
  let world: World;
  let server: RunningServer;
  beforeAll(async () => {
    world = await openWorld();
    server = await world.serve('grpc-server.js', 'orders');
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function call(as: Name, name: 'Get' | 'Delete'): Promise<unknown> {
    const method = service !== undefined && !('format' in service) ? service[name] : undefined;
    if (method === undefined) throw new Error(`orders.proto has no ${name}`);
    const credentials = createChannelCredentials({ source: await world.open(as), authorize: authorizeId(ids.orders) });
    const client = new Client(server.address, credentials);
    try {
      return await new Promise((resolve, reject) =>
        client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, { id: '7' }, (error, order) =>
          error === null ? resolve(order) : reject(error),
        ),
      );
    } finally {
      client.close();
    }
  }

  it('serves a caller that may connect, and the handler sees its SPIFFE ID', async () => {
    expect(await call('web', 'Get')).toEqual({ id: '7', caller: ids.web });
  });

  it('ends a call to a method that is for somebody else with PERMISSION_DENIED, and serves that one', async () => {
    const denied = { code: status.PERMISSION_DENIED, details: `the authorizer does not admit ${ids.web}` };
    expect(await failureOf(call('web', 'Delete'))).toMatchObject(denied);
    expect(await call('ops', 'Delete')).toEqual({ id: '7', caller: ids.ops });
  });

  it('closes on a stranger, who is told why that may be', async () => {
    const closed = { code: status.UNAVAILABLE, details: expect.stringContaining('ERR_CONNECT_FAILED') };
    expect(await failureOf(call('stranger', 'Get'))).toMatchObject(closed);
  });
});
