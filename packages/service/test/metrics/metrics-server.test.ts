import { once } from 'node:events';
import { get, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/metrics/create-metrics.ts';
import {
  MAX_SCRAPE_CONNECTIONS,
  MAX_SCRAPE_HEADER_BYTES,
  type MetricsServer,
  openMetricsServer,
} from '../../src/metrics/open-metrics-server.ts';
import { parseScrape } from './scrape.ts';

const host = '127.0.0.1';
const path = '/metrics';

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

async function ask({ address: { port } }: MetricsServer, target: string, method = 'GET'): Promise<Answer> {
  const [response] = await once(request({ host, port, path: target, method, agent: false }).end(), 'response');
  let body = '';
  for await (const part of response.setEncoding('utf8')) body += part;
  return { status: response.statusCode, headers: response.headers, body };
}

function open(registry: Registry, onError?: (error: Error) => void): Promise<MetricsServer> {
  return openMetricsServer({ address: { host, port: 0 }, path, registry, onError });
}

/** Everything that comes until the connection is closed. */
async function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  socket.on('error', () => undefined).setEncoding('utf8');
  socket.on('data', (part: string) => {
    text += part;
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

describe('openMetricsServer', () => {
  it('answers a GET of its path, with or without a query, in the format of Prometheus', async () => {
    using metrics = createMetrics({ service: 'orders', version: '1' });
    await using server = await openMetricsServer({ address: { host, port: 0 }, path, registry: metrics.registry });
    for (const target of [path, `${path}?collect=all`]) {
      const { status, headers, body } = await ask(server, target);
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(parseScrape(body).value('ephemos_build_info')).toBe(1);
    }
  });

  it('answers HEAD without a body', async () => {
    await using server = await open(new Registry());
    expect(await ask(server, path, 'HEAD')).toMatchObject({ status: 200, body: '' });
  });

  it.each(['/', '/metrics/', '/metrics/x', '/METRICS', '//metrics', '/livez', '/%6detrics'])('has nothing at %s', async (target) => {
    await using server = await open(new Registry());
    expect(await ask(server, target)).toMatchObject({ status: 404 });
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('refuses %s', async (method) => {
    await using server = await open(new Registry());
    expect(await ask(server, path, method)).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  it('a scrape that fails is a 500 that says nothing, an error that is told, and the next one is answered', async () => {
    const registry = new Registry();
    let broken = true;
    new Gauge({
      name: 'queue_length',
      help: 'Length.',
      registers: [registry],
      collect() {
        if (broken) throw new Error('the secret of the queue');
      },
    });
    const errors: Error[] = [];
    await using server = await open(registry, (error) => errors.push(error));
    const { status, body } = await ask(server, path);
    expect(status).toBe(500);
    expect(body).not.toContain('secret');
    expect(errors).toMatchObject([{ message: 'the secret of the queue' }]);
    broken = false;
    expect(await ask(server, path)).toMatchObject({ status: 200 });
  });

  it('whoever asks while a scrape is collected gets the same one', async () => {
    const registry = new Registry();
    let collected = 0;
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const both = new Promise<void>((resolve) => {
      new Gauge({
        name: 'slow',
        help: 'Slow.',
        registers: [registry],
        async collect() {
          collected += 1;
          resolve();
          await finished;
        },
      });
    });
    await using server = await open(registry);
    const first = ask(server, path);
    await both;
    const { port } = server.address;
    const second = get({ host, port, path, agent: false });
    await once(second, 'finish');
    finish();
    const [response] = await once(second, 'response');
    response.resume();
    expect(await first).toMatchObject({ status: 200 });
    expect(collected).toBeLessThanOrEqual(2);
  });

  it('a header that is too long is refused', async () => {
    await using server = await open(new Registry());
    const socket = connect(server.address.port, host);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(MAX_SCRAPE_HEADER_BYTES)}\r\n\r\n`);
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it.each(['', `GET ${path} HTTP/1.1\r\n`])('whoever does not finish a request is closed on in time: after %j', async (begun) => {
    await using server = await openMetricsServer({ address: { host, port: 0 }, path, registry: new Registry(), timeout: 200 });
    const socket = connect(server.address.port, host);
    const began = performance.now();
    socket.write(begun);
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 408 /);
    expect(performance.now() - began).toBeGreaterThanOrEqual(190);
  });

  it('whoever does not read the answer is closed on in time', async () => {
    const registry = new Registry();
    const gauge = new Gauge({ name: 'large', help: 'Large.', labelNames: ['text'], registers: [registry] });
    for (let index = 0; index < 100; index += 1) gauge.set({ text: `${index}${'x'.repeat(200_000)}` }, index);
    await using server = await openMetricsServer({ address: { host, port: 0 }, path, registry, timeout: 200 });
    const socket = connect(server.address.port, host);
    const closed = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, 'readable');
    // The clock: who begins later to ask for too long is closed on later.
    await readToEnd(connect(server.address.port, host));
    socket.resume();
    await closed;
    // What was in the buffers of the system, and not all of it.
    expect(socket.bytesRead).toBeLessThan(20_000_000);
  });

  it('whoever holds connections open keeps no scrape out', async () => {
    await using server = await open(new Registry());
    const held: Socket[] = [];
    for (let index = 0; index < 2 * MAX_SCRAPE_CONNECTIONS; index += 1) {
      const socket = connect(server.address.port, host);
      socket.on('error', () => undefined);
      held.push(socket);
      await once(socket, 'connect');
    }
    expect(await ask(server, path)).toMatchObject({ status: 200 });
    for (const socket of held) socket.destroy();
  });

  it('close ends it at once, connections without a request included, also when it is called twice', async () => {
    const server = await open(new Registry());
    const idle = connect(server.address.port, host);
    await once(idle, 'connect');
    const ended = readToEnd(idle);
    await Promise.all([server.close(), server.close()]);
    expect(await ended).toBe('');
    await expect(ask(server, path)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('an address that is taken is one clear error', async () => {
    await using server = await open(new Registry());
    await expect(openMetricsServer({ address: server.address, path, registry: new Registry() })).rejects.toMatchObject({
      code: 'ERR_LISTEN_FAILED',
      message: expect.stringContaining(`${host}:${server.address.port}`),
      cause: { code: 'EADDRINUSE' },
    });
  });
});
