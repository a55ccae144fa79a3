// Redirects: a server that we trust sends us to one that we do not, and nothing of the request gets there.
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { authorizeAny, authorizeId, authorizeOneOf, createFetch, createServer, type EphemosFetch } from 'ephemos';
import { createDispatcher } from 'ephemos/undici';
import { interceptors } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from '../support/events.ts';
import { type Listening, listening } from '../support/listening.ts';
import { ORDERS, openWorld, WEB, type World } from './identities.ts';
import { tlsOptionsOf } from './wire.ts';

const BILLING = 'spiffe://example.org/billing';
const statuses = [301, 302, 303, 307, 308];

describe.each([false, true])('with an intermediate: %s', (intermediate) => {
  let world: World;
  let location = '';
  let origin: Listening<ReturnType<typeof createServer>>;
  let fetch: EphemosFetch;

  beforeAll(async () => {
    world = await openWorld({ intermediate });
    origin = await listening(
      createServer({ source: await world.source(ORDERS), authorize: authorizeId(WEB) }, (request, response) => {
        response.writeHead(Number(new URL(request.url ?? '/', 'https://orders').searchParams.get('status')), { location }).end();
      }),
    );
    fetch = createFetch({ source: await world.source(WEB), authorize: authorizeId(ORDERS) });
  });
  afterAll(async () => {
    await fetch.close();
    await origin[Symbol.asyncDispose]();
    await world.close();
  });

  const redirect = (status: number): string => `${origin.origin}/?status=${status}`;
  const send = (status: number): Promise<Response> =>
    fetch(redirect(status), { method: 'POST', body: 'secret', headers: { authorization: 'Bearer secret' } });

  it.each(statuses)('%i to a server that we do not admit: its handler never runs', async (status) => {
    let handled = 0;
    await using second = await listening(
      createServer({ source: await world.source(BILLING), authorize: authorizeAny() }, (_request, response) => {
        handled += 1;
        response.end('served');
      }),
    );
    location = `${second.origin}/`;
    expect(await failureOf(send(status))).toMatchObject({ cause: { code: 'ERR_PEER_UNAUTHORIZED' } });
    expect(handled).toBe(0);
  });

  it.each(statuses)('%i to a server of the Web PKI: its handler never runs', async (status) => {
    let handled = 0;
    const certificate = await world.authority.issueCertificate({ dnsNames: ['localhost'], issuer: 'self' });
    const options = tlsOptionsOf({ chain: [certificate.der], privateKey: certificate.privateKey });
    await using second = await listening(
      createHttpsServer(options, (_request, response) => {
        handled += 1;
        response.end('served');
      }),
    );
    location = `${second.origin}/`;
    expect(await failureOf(send(status))).toMatchObject({ cause: { code: 'ERR_PEER_ID_MISSING' } });
    expect(handled).toBe(0);
  });

  it.each(statuses)('%i to http: nothing is sent, not even a connection made', async (status) => {
    await using second = await listening(createHttpServer((_request, response) => response.end('served')));
    location = `http://127.0.0.1:${second.port}/`;
    expect(await failureOf(send(status))).toMatchObject({ cause: { code: 'ERR_URL_NOT_HTTPS' } });
    expect(second.accepted).toEqual([]);
  });

  it.each(['data:text/plain,served', 'file:///etc/hostname', 'ftp://127.0.0.1/', 'blob:https://orders/1'])(
    '302 to %s: refused',
    async (elsewhere) => {
      location = elsewhere;
      await expect(send(302)).rejects.toThrow(TypeError);
    },
  );

  it('through undici, to a server that we do not admit and to http: the same', async () => {
    let handled = 0;
    await using second = await listening(
      createServer({ source: await world.source(BILLING), authorize: authorizeAny() }, (_request, response) => {
        handled += 1;
        response.end('served');
      }),
    );
    await using plain = await listening(createHttpServer((_request, response) => response.end('served')));
    const dispatcher = createDispatcher({ source: await world.source(WEB), authorize: authorizeId(ORDERS) });
    const following = dispatcher.compose(interceptors.redirect({ maxRedirections: 3 }));
    const request = { origin: origin.origin, path: '/?status=307', method: 'POST', body: 'secret' } as const;
    location = `${second.origin}/`;
    expect(await failureOf(following.request(request))).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
    location = `http://127.0.0.1:${plain.port}/`;
    expect(await failureOf(following.request(request))).toMatchObject({ code: 'ERR_URL_NOT_HTTPS' });
    expect([handled, plain.accepted]).toEqual([0, []]);
    await dispatcher.destroy();
  });

  it('to a server that we admit as well: followed', async () => {
    const both = createFetch({ source: await world.source(WEB), authorize: authorizeOneOf([ORDERS, BILLING]) });
    await using second = await listening(
      createServer({ source: await world.source(BILLING), authorize: authorizeId(WEB) }, (request, response) => {
        request.setEncoding('utf8').once('data', (body) => response.end(`served ${request.method} ${String(body)}`));
      }),
    );
    location = `${second.origin}/`;
    expect(await (await both(redirect(307), { method: 'POST', body: 'payload' })).text()).toBe('served POST payload');
    await both.close();
  });

  it('from the start, http is refused without a connection', async () => {
    await using plain = await listening(createHttpServer((_request, response) => response.end('served')));
    expect(await failureOf(fetch(`http://127.0.0.1:${plain.port}/`))).toMatchObject({ cause: { code: 'ERR_URL_NOT_HTTPS' } });
    expect(plain.accepted).toEqual([]);
  });
});
