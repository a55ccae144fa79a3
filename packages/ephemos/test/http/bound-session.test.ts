// How grpc-js connections are told to end hangs on where node:http2 keeps a session. Runs on every Node.js release that is supported.
import { createServer as createHttp2Server, connect as http2Connect, type ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { connect, listen } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { boundSession } from '../../src/http/bound-session.ts';
import { deferred, next } from '../support/events.ts';
import { openTlsWorld } from '../support/tls-world.ts';

describe(`boundSession on Node.js ${process.versions.node}`, () => {
  it('finds the session of a socket on both sides, and none before and after', async () => {
    await using world = await openTlsWorld();
    const http2 = createHttp2Server((_request, response) => response.end('ok'));
    const accepted = deferred<TLSSocket>();
    const session = deferred<ServerHttp2Session>();
    http2.on('session', (made) => session.resolve(made));
    await using listener = await listen({ ...world.server, host: '127.0.0.1', protocols: ['h2'] }, (socket) => {
      expect(boundSession(socket)).toBeUndefined();
      http2.emit('connection', socket);
      accepted.resolve(socket);
    });
    const { port } = listener.address();
    const socket = await connect({ ...world.client, host: '127.0.0.1', port, protocols: ['h2'] });
    expect(boundSession(socket)).toBeUndefined();
    const client = http2Connect(`https://127.0.0.1:${port}`, { createConnection: () => socket });
    expect(boundSession(socket)).toBe(client);
    expect(boundSession(await accepted.promise)).toBe(await session.promise);
    const closing = next(socket, 'close');
    client.close();
    await closing;
    expect(boundSession(socket)).toBeUndefined();
  });
});
