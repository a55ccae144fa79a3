import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { createAgent, createServer, type Intercept } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { createHttp2Server } from 'ephemos/http2';
import { connect } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { next } from '../support/events.ts';
import { createEchoClient, createEchoServer } from '../support/grpc-echo.ts';
import { listening } from '../support/listening.ts';
import { openTlsWorld } from '../support/tls-world.ts';

const host = '127.0.0.1';

/** An intercept that runs each handler with the path of its request in a storage; and the storage. */
function pathStorage(): { readonly storage: AsyncLocalStorage<string>; readonly intercept: Intercept } {
  const storage = new AsyncLocalStorage<string>();
  return { storage, intercept: ({ path }, serve) => storage.run(path, serve) };
}

describe('what an intercept wraps around a request wraps every event of it, also those that come from the connection later', () => {
  it('over HTTP/1', async () => {
    await using world = await openTlsWorld();
    const { storage, intercept } = pathStorage();
    const seen: unknown[] = [];
    const server = createServer({ ...world.server, intercept }, (incoming, response) => {
      incoming.on('data', () => seen.push(['data', storage.getStore()]));
      incoming.once('end', () => {
        seen.push(['end', storage.getStore()]);
        response.end();
      });
      response.once('close', () => seen.push(['close', storage.getStore()]));
      response.write('go on');
    });
    await using open = await listening(server);
    const agent = createAgent({ ...world.client, keepAlive: true });
    // Two requests on one connection: neither sees the other.
    for (const path of ['/1', '/2']) {
      const sent = request(open.origin + path, { method: 'POST', agent });
      sent.flushHeaders();
      const [response] = await next(sent, 'response');
      sent.end('late');
      if (response instanceof IncomingMessage) await next(response.resume(), 'end');
    }
    agent.destroy();
    await open[Symbol.asyncDispose]();
    expect(open.accepted).toHaveLength(1);
    expect(seen).toEqual(['/1', '/2'].flatMap((path) => ['data', 'end', 'close'].map((event) => [event, path])));
  });

  it('over HTTP/2', async () => {
    await using world = await openTlsWorld();
    const { storage, intercept } = pathStorage();
    const seen: unknown[] = [];
    const server = createHttp2Server({ ...world.server, intercept }, (incoming, response) => {
      incoming.on('data', () => seen.push(['data', storage.getStore()]));
      incoming.once('end', () => {
        seen.push(['end', storage.getStore()]);
        response.end();
      });
      response.write('go on');
    });
    await using open = await listening(server);
    const socket = await connect({ ...world.client, host, port: open.port, protocols: ['h2'] });
    const session = connectHttp2(open.origin, { createConnection: () => socket });
    const stream = session.request({ ':method': 'POST', ':path': '/1' });
    await next(stream, 'response');
    stream.end('late');
    await next(stream.resume(), 'end');
    session.destroy();
    expect(seen).toEqual(['data', 'end'].map((event) => [event, '/1']));
  });

  it('over gRPC', async () => {
    await using world = await openTlsWorld();
    const { storage, intercept } = pathStorage();
    const seen: unknown[] = [];
    const { server } = createEchoServer(() => {
      seen.push(storage.getStore());
      return 'x';
    });
    await using open = await listening(createGrpcListener(server, { ...world.server, intercept }));
    using client = createEchoClient(`${host}:${open.port}`, createChannelCredentials(world.client));
    await client.echo('hello');
    const chat = client.chat();
    for (const text of ['one', 'two']) {
      chat.write({ text });
      await once(chat, 'data');
    }
    chat.end();
    await once(chat.resume(), 'end');
    expect(seen).toEqual(['/test.Echo/Echo', '/test.Echo/Chat', '/test.Echo/Chat']);
    server.forceShutdown();
  });
});
