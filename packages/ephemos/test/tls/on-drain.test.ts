import { createAgent, createServer, onDrain } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { createHttp2Client, createHttp2Server } from 'ephemos/http2';
import { describe, expect, it } from 'vitest';
import { readAll } from '../support/bytes.ts';
import { createEchoClient, createEchoServer } from '../support/grpc-echo.ts';
import { httpsCall } from '../support/https-call.ts';
import { listening } from '../support/listening.ts';
import { openTlsWorld } from '../support/tls-world.ts';

describe('onDrain', () => {
  it('is told of a request, an HTTP/2 stream and a gRPC call when the server drains, and at once after that', async () => {
    await using world = await openTlsWorld();
    const told: string[] = [];
    const http = createServer(world.server, (request, response) => {
      onDrain(request, () => told.push('http'));
      response.end();
    });
    const http2 = createHttp2Server(world.server, (request, response) => {
      onDrain(request.stream, () => told.push('http2'));
      response.end();
    });
    const echo = createEchoServer((call) => {
      onDrain(call, () => told.push('grpc'));
      return 'us';
    });
    const grpc = createGrpcListener(echo.server, world.server);
    await using openHttp = await listening(http);
    await using openHttp2 = await listening(http2);
    await using openGrpc = await listening(grpc);
    const agent = createAgent(world.client);
    await httpsCall(openHttp.origin, { agent });
    await using client = createHttp2Client(openHttp2.origin, world.client);
    await readAll(await client.request({ ':path': '/' }));
    using caller = createEchoClient(`127.0.0.1:${openGrpc.port}`, createChannelCredentials(world.client));
    await caller.echo('hello');
    expect(told).toEqual([]);
    await Promise.all([http.drain(), http2.drain(), grpc.drain()]);
    expect(told.toSorted()).toEqual(['grpc', 'http', 'http2']);
    agent.destroy();
  });

  it('throws for a connection that Ephemos did not make', () => {
    expect(() => onDrain({}, () => undefined)).toThrow(expect.objectContaining({ code: 'ERR_PEER_UNAUTHENTICATED' }));
  });
});
