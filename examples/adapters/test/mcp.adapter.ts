import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { authorizeId, createFetch } from 'ephemos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeClient } from './client.ts';
import { codesOf, failureOf, ids, type Name, openWorld, type RunningServer, type World } from './world.ts';

describeClient({ file: 'mcp-client.js', server: 'mcp-server.js', output: `orders for ${ids.web}\n` });

describe('mcp-server.js', () => {
  let world: World;
  let server: RunningServer;
  beforeAll(async () => {
    world = await openWorld();
    server = await world.serve('mcp-server.js', 'orders');
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function list(as: Name, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
    await using fetch = createFetch({ source: await world.open(as), authorize: authorizeId(ids.orders) });
    const client = new Client({ name: as, version: '1.0.0' });
    const url = new URL('/mcp', server.origins[0]);
    await client.connect(new StreamableHTTPClientTransport(url, { fetch, requestInit: { headers } }));
    const { content } = await client.callTool({ name: 'list' });
    await client.close();
    return content;
  }

  it('serves a caller that may connect, and the tool sees its SPIFFE ID', async () => {
    expect(await list('web')).toEqual([{ type: 'text', text: `orders for ${ids.web}` }]);
  });

  it('takes the caller from the connection, whatever token it sends', async () => {
    expect(await list('web', { authorization: 'Bearer ops' })).toEqual([{ type: 'text', text: `orders for ${ids.web}` }]);
  });

  it('closes on a stranger, who is told why that may be', async () => {
    expect(codesOf(await failureOf(list('stranger')))).toContain('ERR_CONNECT_FAILED');
  });
});
