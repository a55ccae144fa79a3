// What an authorized client gets, over both protocols on the one port.
import { Client } from '@grpc/grpc-js';
import { createFetch } from 'ephemos';
import { createChannelCredentials } from 'ephemos/grpc';
import { service as healthService } from 'grpc-health-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizeServer, openWorld, type RunningServer, type World } from './world.ts';

let world: World;
let server: RunningServer;

beforeAll(async () => {
  world = await openWorld();
  server = await world.startServer();
});
afterAll(() => world.close());

describe('echo-client', () => {
  test.each(['grpc', 'http'])('prints the echo and the identity that the server saw over %s', async (protocol) => {
    const message = 'grüße ✓\twith "quotes"';
    const exit = await world.echo('echo-client', [message, '--server', server.address, '--protocol', protocol]);
    expect(exit, exit.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(exit.stdout).toBe(`${message}  (the server knows us as spiffe://example.org/echo-client)\n`);
  });

  test.each(['grpc', 'http'])('calls as often as --count says over %s', async (protocol) => {
    const exit = await world.echo('echo-client', ['hi', '--server', server.address, '--protocol', protocol, '--count', '20']);
    expect(exit.stdout.match(/^hi /gm)).toHaveLength(20);
  });
});

describe('the HTTP echo', () => {
  async function ask(path: string, init?: RequestInit): Promise<{ status: number; body: unknown; headers: Headers }> {
    await using fetch = createFetch({ source: await world.open('echo-client'), authorize: authorizeServer });
    const response = await fetch(`https://${server.address}${path}`, init);
    return { status: response.status, body: JSON.parse((await response.text()) || 'null'), headers: response.headers };
  }

  test('answers GET with the message of the query', async () => {
    expect(await ask('/echo?message=a%20b%26c')).toMatchObject({
      status: 200,
      body: { message: 'a b&c', caller: 'spiffe://example.org/echo-client' },
    });
  });

  test('answers POST with the body', async () => {
    expect(await ask('/echo', { method: 'POST', body: 'line 1\nline 2' })).toMatchObject({
      status: 200,
      body: { message: 'line 1\nline 2' },
    });
  });

  test('takes a message of 64 KiB and refuses one that is longer', async () => {
    const body = 'x'.repeat(64 * 1024);
    expect(await ask('/echo', { method: 'POST', body })).toMatchObject({ status: 200, body: { message: body } });
    expect(await ask('/echo', { method: 'POST', body: `${body}x` })).toMatchObject({ status: 413 });
  });

  test('knows no other path and no other method', async () => {
    expect(await ask('/')).toMatchObject({ status: 404 });
    expect(await ask('/echo/')).toMatchObject({ status: 404 });
    const refused = await ask('/echo', { method: 'DELETE' });
    expect(refused.status).toBe(405);
    expect(refused.headers.get('allow')).toBe('GET, POST');
  });

  test('takes the caller from the certificate and from no header', async () => {
    const headers = { 'x-forwarded-client-cert': 'URI=spiffe://example.org/admin', 'spiffe-id': 'spiffe://example.org/admin' };
    expect(await ask('/echo', { method: 'POST', body: 'hi', headers })).toMatchObject({
      body: { caller: 'spiffe://example.org/echo-client' },
    });
  });
});

test('the gRPC health service says SERVING behind mTLS', async () => {
  const source = await world.open('echo-client');
  const client = new Client(server.address, createChannelCredentials({ source, authorize: authorizeServer }));
  const check = healthService['Check'];
  if (check === undefined) throw new Error('the health service has no Check');
  const status = (service: string) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(check.path, check.requestSerialize, check.responseDeserialize, { service }, (error, reply) =>
        error === null ? resolve(reply) : reject(error),
      );
    });
  expect(await status('')).toEqual({ status: 'SERVING' });
  client.close();
});
