import { createServer as createPlainServer, type IncomingMessage } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { authorizeOneOf, createFetch, createServer, type EphemosServer, peerOf } from 'ephemos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { causesOf, deferred, failureOf, next } from '../support/events.ts';
import { type Listening, listening } from '../support/listening.ts';
import { OPS, ORDERS, openTlsWorld, type TlsWorld, WEB } from '../support/tls-world.ts';

let world: TlsWorld;
let echo: Listening<EphemosServer>;

/** Answers with what it was sent, as JSON. */
beforeAll(async () => {
  world = await openTlsWorld({ intermediate: true });
  const server = createServer(world.server, async (request, response) => {
    const { method, url, headers } = request;
    const type = headers['content-type'];
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ method, url, type, header: headers['x-one'], caller: String(peerOf(request).id), body: await textOf(request) }),
    );
  });
  echo = await listening(server);
});
afterAll(async () => {
  await echo[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function streamOf(...chunks: readonly string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
}

describe('createFetch refuses', () => {
  it.each(['http://127.0.0.1:1/', 'data:text/plain,hello', 'blob:https://127.0.0.1/x', '/relative', 'file:///etc/passwd'])(
    '%s, which is no https URL',
    async (url) => {
      await using fetch = createFetch(world.client);
      expect(causesOf(await failureOf(fetch(url)))).toContain('ERR_URL_NOT_HTTPS');
    },
  );
});

describe('createFetch takes what the global fetch takes', () => {
  it('a string, a URL and a Request, and gives a Response', async () => {
    await using fetch = createFetch(world.client);
    for (const input of [`${echo.origin}/a?b=c`, new URL(`${echo.origin}/a?b=c`), new Request(`${echo.origin}/a?b=c`)]) {
      const response = await fetch(input);
      expect(response).toBeInstanceOf(Response);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ method: 'GET', url: '/a?b=c', caller: WEB });
    }
  });

  it('a Request with its method, headers and body', async () => {
    await using fetch = createFetch(world.client);
    const request = new Request(echo.origin, { method: 'PUT', headers: { 'x-one': '1' }, body: 'text' });
    expect(await (await fetch(request)).json()).toMatchObject({ method: 'PUT', header: '1', body: 'text' });
    expect(await (await fetch(new Request(echo.origin), { method: 'DELETE' })).json()).toMatchObject({ method: 'DELETE' });
  });

  it.each<readonly [string, () => RequestInit, object]>([
    ['a string', () => ({ body: 'text' }), { body: 'text', type: 'text/plain;charset=UTF-8' }],
    ['bytes', () => ({ body: new TextEncoder().encode('bytes') }), { body: 'bytes' }],
    ['a Blob', () => ({ body: new Blob(['blob'], { type: 'text/x' }) }), { body: 'blob', type: 'text/x' }],
    ['URLSearchParams', () => ({ body: new URLSearchParams({ a: 'b c' }) }), { body: 'a=b+c' }],
    ['a stream', () => ({ body: streamOf('in ', 'parts'), duplex: 'half' }), { body: 'in parts' }],
  ])('a body that is %s', async (_, init, expected) => {
    await using fetch = createFetch(world.client);
    expect(await (await fetch(echo.origin, { method: 'POST', ...init() })).json()).toMatchObject(expected);
  });

  it('a FormData with a file', async () => {
    await using fetch = createFetch(world.client);
    const form = new FormData();
    form.set('name', 'value');
    form.set('file', new Blob(['content']), 'file.txt');
    const answer: unknown = await (await fetch(echo.origin, { method: 'POST', body: form })).json();
    expect(answer).toMatchObject({
      type: expect.stringMatching(/^multipart\/form-data; boundary=/),
      body: expect.stringContaining('filename="file.txt"'),
    });
    expect(answer).toMatchObject({ body: expect.stringContaining('content') });
  });

  it('a response that is read as a stream', async () => {
    await using fetch = createFetch(world.client);
    await using large = await listening(createServer(world.server, (_request, response) => response.end('x'.repeat(300_000))));
    const response = await fetch(large.origin);
    let length = 0;
    for await (const chunk of response.body ?? []) length += chunk.length;
    expect(length).toBe(300_000);
  });
});

describe('createFetch is ended by its signal', () => {
  it('before, while it connects, while it waits for the answer, and while it reads it', async () => {
    await using fetch = createFetch(world.client);
    expect(await failureOf(fetch(echo.origin, { signal: AbortSignal.abort() }))).toMatchObject({ name: 'AbortError' });

    await using silent = await listening(createNetServer((socket) => socket.resume().on('error', () => undefined)));
    const connecting = new AbortController();
    const attempt = failureOf(fetch(silent.origin, { signal: connecting.signal }));
    await next(silent.server, 'connection');
    connecting.abort();
    expect(await attempt).toMatchObject({ name: 'AbortError' });

    await using slow = await listening(
      createServer(world.server, (request, response) => void (request.url === '/half' && response.write('half'))),
    );
    const waiting = new AbortController();
    const answer = failureOf(fetch(slow.origin, { signal: waiting.signal }));
    await next(slow.server, 'request');
    waiting.abort();
    expect(await answer).toMatchObject({ name: 'AbortError' });

    const reading = new AbortController();
    const response = await fetch(`${slow.origin}/half`, { signal: reading.signal });
    const body = failureOf(response.text());
    reading.abort();
    expect(await body).toMatchObject({ name: 'AbortError' });
    const reason = new Error('enough');
    expect(await failureOf(fetch(echo.origin, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });
});

describe('createFetch refuses', () => {
  it('plain http, without a connection', async () => {
    await using fetch = createFetch(world.client);
    await using plain = await listening(createPlainServer(() => expect.unreachable()));
    const error = await failureOf(fetch(`http://127.0.0.1:${plain.port}/`));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: 'fetch failed', cause: { code: 'ERR_URL_NOT_HTTPS' } });
    expect(plain.accepted).toHaveLength(0);
  });

  it('a redirect that leads to plain http, or to a server that is not authorized', async () => {
    await using fetch = createFetch(world.client);
    await using plain = await listening(createPlainServer(() => expect.unreachable()));
    const opsServer = createServer({ ...world.server, source: await world.open(OPS) }, () => expect.unreachable());
    await using ops = await listening(opsServer);
    let location = '';
    await using redirecting = await listening(
      createServer(world.server, (_request, response) => response.writeHead(307, { location }).end()),
    );
    location = `http://127.0.0.1:${plain.port}/`;
    expect(await failureOf(fetch(redirecting.origin, { method: 'POST', body: 'secret' }))).toMatchObject({
      cause: { code: 'ERR_URL_NOT_HTTPS' },
    });
    location = ops.origin;
    expect(await failureOf(fetch(redirecting.origin, { method: 'POST', body: 'secret' }))).toMatchObject({
      cause: { code: 'ERR_PEER_UNAUTHORIZED' },
    });
    expect(plain.accepted).toHaveLength(0);
  });

  it('a server that is not authorized: TypeError with our cause, and no request', async () => {
    await using fetch = createFetch({ ...world.client, authorize: authorizeOneOf([OPS]) });
    await using server = await listening(createServer(world.server, () => expect.unreachable()));
    const error = await failureOf(fetch(server.origin));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: 'fetch failed', cause: { name: 'EphemosError', code: 'ERR_PEER_UNAUTHORIZED' } });
  });

  it('nothing by itself when the server refuses us, and names both in the cause', async () => {
    await using fetch = createFetch({ ...world.client, source: await world.open(OPS) });
    const error = await failureOf(fetch(echo.origin));
    expect(error).toBeInstanceOf(TypeError);
    expect(causesOf(error)).toContain('ERR_CONNECT_FAILED');
  });
});

describe('createFetch', () => {
  it('follows a redirect to a server that is authorized, with a connection of its own', async () => {
    await using fetch = createFetch({ ...world.client, authorize: authorizeOneOf([ORDERS, OPS]) });
    const opsServer = createServer({ ...world.server, source: await world.open(OPS) }, (_request, response) => response.end('ops'));
    await using ops = await listening(opsServer);
    await using redirecting = await listening(
      createServer(world.server, (_request, response) => response.writeHead(302, { location: ops.origin }).end()),
    );
    const response = await fetch(redirecting.origin);
    expect(await response.text()).toBe('ops');
    expect(response.redirected).toBe(true);
  });

  it('uses connections again', async () => {
    await using fetch = createFetch(world.client);
    await using server = await listening(createServer(world.server, (_request, response) => response.end('ok')));
    for (let round = 0; round < 10; round += 1) await (await fetch(server.origin)).text();
    // undici may open a second one when the first is not quite done.
    expect(server.accepted.length).toBeLessThan(3);
  });

  it('lets what is under way finish when it is closed, and takes nothing new', async () => {
    const slow = deferred();
    const server = createServer(world.server, async (_request, response) => {
      await slow.promise;
      response.end('finished');
    });
    await using open = await listening(server);
    const fetch = createFetch(world.client);
    const answer = fetch(open.origin);
    await next(server, 'request');
    const closing = fetch.close();
    slow.resolve();
    expect(await (await answer).text()).toBe('finished');
    await closing;
    expect(await failureOf(fetch(open.origin))).toMatchObject({ name: 'TypeError', cause: { code: 'ERR_SOURCE_CLOSED' } });
    for (const socket of open.accepted) if (!socket.closed) await next(socket, 'close');
    await fetch.close();

    const unused = createFetch(world.client);
    await unused.close();
    expect(await failureOf(unused(open.origin))).toMatchObject({ name: 'TypeError', cause: { code: 'ERR_SOURCE_CLOSED' } });
  });

  it('stops using a server that the policy no longer admits', async () => {
    let admits = true;
    await using fetch = createFetch({ ...world.client, authorize: () => admits });
    await using server = await listening(createServer(world.server, (_request, response) => response.end('ok')));
    await (await fetch(server.origin)).text();
    admits = false;
    await fetch.reauthorize();
    expect(await failureOf(fetch(server.origin))).toMatchObject({ cause: { code: 'ERR_PEER_UNAUTHORIZED' } });
  });
});
