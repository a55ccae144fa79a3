import type { Server } from 'node:tls';
import { connect as tlsConnect } from 'node:tls';
import { Server as GrpcServer } from '@grpc/grpc-js';
import { createServer } from 'ephemos';
import { createGrpcListener } from 'ephemos/grpc';
import { createHttp2Server } from 'ephemos/http2';
import { connect, listen, peerOf } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { failureOf, next } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { stockClient } from '../support/stock.ts';
import { type Identity, leafOf, openTlsWorld, rotateAll, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';

const servers: Readonly<Record<string, { readonly protocols: readonly string[]; readonly make: (identity: Identity) => Server }>> = {
  createServer: { protocols: ['http/1.1'], make: (identity) => createServer(identity) },
  createHttp2Server: { protocols: ['h2'], make: (identity) => createHttp2Server(identity) },
  createGrpcListener: { protocols: ['h2'], make: (identity) => createGrpcListener(new GrpcServer(), identity) },
};

describe.each([{ intermediate: false }, { intermediate: true }])('rotation, $intermediate intermediate', (options) => {
  it.each(Object.entries(servers))('%s presents the new SVID in the next handshake', async (_, { protocols, make }) => {
    await using world = await openTlsWorld(options);
    await using server = await listening(make(world.server));
    for (let round = 0; round < 3; round += 1) {
      await rotateAll(world, world.server.source);
      const socket = await connect({ ...world.client, host, port: server.port, protocols });
      expect(leafOf(peerOf(socket))).toBe(leafOf(world.server.source.svid));
      socket.destroy();
    }
  });

  it('a client presents the new SVID in the next handshake', async () => {
    await using world = await openTlsWorld(options);
    const leaves: string[] = [];
    await using listener = await listen({ ...world.server, host }, (socket) => {
      leaves.push(leafOf(peerOf(socket)));
      socket.end();
    });
    for (let round = 0; round < 3; round += 1) {
      await rotateAll(world, world.client.source);
      await next((await connect({ ...world.client, host, port: listener.address().port })).resume(), 'close');
      expect(leaves.at(-1)).toBe(leafOf(world.client.source.svid));
    }
    expect(new Set(leaves).size).toBe(3);
  });

  it('leaves live connections as they are, on both sides', async () => {
    await using world = await openTlsWorld(options);
    await using listener = await listen({ ...world.server, host }, (socket) => socket.pipe(socket));
    const socket = await connect({ ...world.client, host, port: listener.address().port });
    await rotateAll(world, world.server.source, world.client.source);
    await world.authority.rotateAuthority({ overlap: true });
    socket.write('still here');
    expect(String((await next(socket, 'data'))[0])).toBe('still here');
    socket.destroy();
  });

  it('resets nothing else of the context: TLS 1.2 stays refused and the client certificate required', async () => {
    await using world = await openTlsWorld(options);
    await using server = await listening(createServer(world.server));
    await rotateAll(world, world.server.source);
    const stock = await stockClient(world.authority, WEB);
    const old = tlsConnect({ ...stock, host, port: server.port, maxVersion: 'TLSv1.2' });
    expect(await failureOf(next(old, 'secureConnect'))).toMatchObject({ code: expect.stringMatching(/PROTOCOL_VERSION/) });
    const { key: _key, cert: _cert, ...anonymous } = stock;
    const nameless = tlsConnect({ ...anonymous, host, port: server.port }).on('error', () => undefined);
    await next(nameless, 'close');
    expect(await server.refusal()).toMatchObject({ code: 'ERR_PEER_CERTIFICATE_MISSING' });
  });

  it('a server that was closed and listens again presents what is current then, and follows on', async () => {
    await using world = await openTlsWorld(options);
    const first = await listening(createServer(world.server));
    await first[Symbol.asyncDispose]();
    await rotateAll(world, world.server.source);
    await using again = await listening(first.server);
    for (let round = 0; round < 2; round += 1) {
      const socket = await connect({ ...world.client, host, port: again.port, protocols: ['http/1.1'] });
      expect(leafOf(peerOf(socket))).toBe(leafOf(world.server.source.svid));
      socket.destroy();
      await rotateAll(world, world.server.source);
    }
  });
});
