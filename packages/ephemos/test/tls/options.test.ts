import { Server as GrpcServer } from '@grpc/grpc-js';
import { createAgent, createFetch, createServer } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { createHttp2Client, createHttp2Server } from 'ephemos/http2';
import { connect, listen } from 'ephemos/tls';
import { createDispatcher } from 'ephemos/undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTlsWorld, type TlsWorld } from '../support/tls-world.ts';
import { untyped } from '../support/untyped.ts';

let world: TlsWorld;
beforeAll(async () => {
  world = await openTlsWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Every way to make a server or client, called with options that no type has checked. */
const servers: Readonly<Record<string, (options: object) => unknown>> = {
  createServer: (options) => untyped(createServer, options),
  createHttp2Server: (options) => untyped(createHttp2Server, options),
  createGrpcListener: (options) => untyped(createGrpcListener, new GrpcServer(), options),
  listen: (options) => untyped(listen, options, () => undefined),
};
const clients: Readonly<Record<string, (options: object) => unknown>> = {
  createAgent: (options) => untyped(createAgent, options),
  createFetch: (options) => untyped(createFetch, options),
  createDispatcher: (options) => untyped(createDispatcher, options),
  createHttp2Client: (options) => untyped(createHttp2Client, 'https://127.0.0.1:1', options),
  createChannelCredentials: (options) => untyped(createChannelCredentials, options),
  connect: (options) => untyped(connect, { host: '127.0.0.1', port: 1, ...options }),
};

async function codeOf(make: (options: object) => unknown, options: object): Promise<unknown> {
  try {
    await make(options);
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
  return 'made';
}

describe.each(Object.entries({ ...servers, ...clients }))('%s', (_, make) => {
  it.each([
    ['no source', { source: undefined }, 'ERR_OPTION_INVALID'],
    ['something that is no source', { source: { svid: {} } }, 'ERR_OPTION_INVALID'],
    ['no authorizer', { authorize: undefined }, 'ERR_AUTHORIZER_INVALID'],
    ['a boolean for an authorizer', { authorize: true }, 'ERR_AUTHORIZER_INVALID'],
    ['an async authorizer', { authorize: async () => true }, 'ERR_AUTHORIZER_INVALID'],
    ['an old TLS version', { minVersion: 'TLSv1.1' }, 'ERR_OPTION_INVALID'],
    ['a negative withdrawalGrace', { withdrawalGrace: -1 }, 'ERR_OPTION_INVALID'],
    ['a closeGrace that is no number', { closeGrace: Number.NaN }, 'ERR_OPTION_INVALID'],
    ['a closeGrace in words', { closeGrace: '500' }, 'ERR_OPTION_INVALID'],
    ['a withdrawalGrace that no timer can hold', { withdrawalGrace: 2 ** 31 }, 'ERR_OPTION_INVALID'],
    ['an endless closeGrace', { closeGrace: Infinity }, 'ERR_OPTION_INVALID'],
  ])('refuses %s when it is made', async (_name, wrong, code) => {
    expect(await codeOf(make, { ...world.client, ...wrong })).toBe(code);
  });
});

describe('timeouts', () => {
  it.each(Object.entries(servers))('%s refuses a handshakeTimeout in which nothing could be done', async (_, make) => {
    for (const handshakeTimeout of [-1, 0, Number.NaN, '10'])
      expect(await codeOf(make, { ...world.server, handshakeTimeout })).toBe('ERR_OPTION_INVALID');
  });

  it.each(Object.entries(clients))('%s refuses a connectTimeout in which nothing could be done', async (_, make) => {
    for (const connectTimeout of [-1, 0, Infinity, '10'])
      expect(await codeOf(make, { ...world.client, connectTimeout })).toBe('ERR_OPTION_INVALID');
  });
});

describe('createHttp2Client', () => {
  it.each(['http://orders:8443', 'orders:8443', 'ftp://orders', ''])('refuses %j, which is no https URL', async (url) => {
    expect(await codeOf((options) => untyped(createHttp2Client, url, options), world.client)).toBe('ERR_URL_NOT_HTTPS');
  });
});
