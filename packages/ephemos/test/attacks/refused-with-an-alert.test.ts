// Servers that refuse us with a fatal alert after the handshake, as Go and Envoy do: nothing of the connection is left behind.
import { connect as http2Connect } from 'node:http2';
import { authorizeId, type X509Source } from 'ephemos';
import { createHttp2Client, createHttp2Server } from 'ephemos/http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConnector } from '../../src/tls/connect.ts';
import { nextError } from '../support/events.ts';
import { type Listening, listening } from '../support/listening.ts';
import { ORDERS, openStaticSource, openWorld, stolen, WEB, type World } from './identities.ts';

let world: World;
let server: Listening<ReturnType<typeof createHttp2Server>>;
let source: X509Source;
beforeAll(async () => {
  world = await openWorld({ intermediate: false });
  server = await listening(createHttp2Server({ source: await world.source(ORDERS), authorize: authorizeId(WEB) }));
  // A client whose signature is wrong: OpenSSL answers it with the alert decrypt_error.
  source = await openStaticSource(await stolen(world, WEB), world.bundles);
});
afterAll(async () => {
  await source.close();
  await server[Symbol.asyncDispose]();
  await world.close();
});

describe('after a fatal alert', () => {
  it('a socket that HTTP/2 reads from is closed and no longer live', async () => {
    const connector = createConnector({ source, authorize: authorizeId(ORDERS) });
    const { socket } = await connector.connect({ host: '127.0.0.1', port: server.port, protocols: ['h2'] });
    expect(connector.connections.size).toBe(1);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const session = http2Connect('https://orders', { createConnection: () => socket });
    session.on('error', () => undefined);
    const stream = session.request({ ':path': '/' });
    expect(await nextError(stream)).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR' });
    await closed;
    expect([socket.destroyed, connector.connections.size]).toEqual([true, 0]);
    connector.close();
  });

  it('the HTTP/2 client dials again for the next request, and that fails in the same way', async () => {
    const client = createHttp2Client(server.origin, { source, authorize: authorizeId(ORDERS) });
    const before = server.accepted.length;
    for (let attempt = 0; attempt < 3; attempt++) {
      const stream = await client.request({ ':path': '/' });
      expect(await nextError(stream)).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR' });
    }
    expect(server.accepted.length - before).toBe(3);
    await client.close();
  });
});
