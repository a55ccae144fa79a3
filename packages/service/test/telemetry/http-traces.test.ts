import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { context, propagation, trace } from '@opentelemetry/api';
import { authorizeId, createAgent } from 'ephemos';
import { describe, expect, it } from 'vitest';
import type { TraceIds } from '../../src/telemetry/telemetry.ts';
import { idsOf, ORDERS, openTracedWorld, STOCK, WEB } from './traced-world.ts';

describe('two servers over HTTP/1', () => {
  it('are one trace, each span the child of the one that led to it, with the peers that were verified', async () => {
    await using world = await openTracedWorld();
    const { receiver } = world;
    const stock = await world.serve(STOCK, ORDERS, (_request, response) => void response.end('7'));
    const toStock = await world.fetchAs(ORDERS, STOCK);
    const orders = await world.serve(ORDERS, WEB, async (_request, response) => {
      const answer = await toStock(`${stock}/items/7`);
      response.end(await answer.text());
    });
    const toOrders = await world.fetchAs(WEB, ORDERS);
    expect(await (await toOrders(`${orders}/orders/1?token=secret`, { method: 'POST', body: 'x' })).text()).toBe('7');

    const spans = await receiver.untilSpans(4);
    const [first] = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
    const [second] = spans.filter(({ parentSpanId }) => parentSpanId === first?.spanId);
    const [third] = spans.filter(({ parentSpanId }) => parentSpanId === second?.spanId);
    const [fourth] = spans.filter(({ parentSpanId }) => parentSpanId === third?.spanId);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    const port = (origin: string): number => Number(new URL(origin).port);
    expect(first).toMatchObject({
      name: 'POST',
      kind: 'CLIENT',
      failed: false,
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'server.address': '127.0.0.1',
        'server.port': port(orders),
        'url.full': `${orders}/orders/1`,
        'network.protocol.version': '1.1',
        'network.peer.address': '127.0.0.1',
        'tls.protocol.version': '1.3',
        'spiffe.peer.id': ORDERS,
        'spiffe.peer.trust_domain': 'example.org',
      },
    });
    expect(second).toMatchObject({
      name: 'POST',
      kind: 'SERVER',
      failed: false,
      scope: '@ephemos/service',
      schemaUrl: 'https://opentelemetry.io/schemas/1.45.0',
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'url.path': '/orders/1',
        'url.scheme': 'https',
        'network.protocol.version': '1.1',
        'network.peer.address': '127.0.0.1',
        'tls.protocol.name': 'tls',
        'tls.protocol.version': '1.3',
        'tls.cipher': expect.stringMatching(/^TLS_/),
        'spiffe.peer.id': WEB,
        'spiffe.peer.trust_domain': 'example.org',
      },
    });
    expect(third).toMatchObject({ name: 'GET', kind: 'CLIENT', attributes: { 'spiffe.peer.id': STOCK } });
    expect(fourth).toMatchObject({ name: 'GET', kind: 'SERVER', attributes: { 'spiffe.peer.id': ORDERS, 'url.path': '/items/7' } });
    expect(receiver.bodies.join()).not.toContain('secret');
  });

  it('says who the peer is also on a connection that was made for another call', async () => {
    await using world = await openTracedWorld();
    const { receiver } = world;
    const orders = await world.serve(ORDERS, WEB, (_request, response) => void response.end('ok'));
    const fetch = await world.fetchAs(WEB, ORDERS);
    for (const path of ['/1', '/2']) await (await fetch(orders + path)).text();
    const spans = await receiver.untilSpans(2, ({ kind }) => kind === 'CLIENT');
    expect(spans.map(({ attributes }) => attributes['spiffe.peer.id'])).toEqual([ORDERS, ORDERS]);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(2);
  });
});

describe('traceIds', () => {
  it('are those of the span of the request, all the way through its handler', async () => {
    await using world = await openTracedWorld();
    const { receiver, telemetry } = world;
    const seen: (TraceIds | undefined)[] = [];
    const log = (): void => void seen.push(telemetry.traceIds());
    const orders = await world.serve(ORDERS, WEB, async (request, response) => {
      log();
      for await (const _chunk of request) log();
      log();
      response.end('ok');
    });
    const fetch = await world.fetchAs(WEB, ORDERS);
    await (await fetch(orders, { method: 'POST', body: 'x' })).text();
    const [span] = await receiver.untilSpans(1, ({ kind }) => kind === 'SERVER');
    expect(seen.length).toBeGreaterThanOrEqual(3);
    for (const ids of seen) expect(ids).toEqual({ ...idsOf(span), trace_flags: '01' });
    expect(telemetry.traceIds()).toBeUndefined();
  });

  it('are those of the span of the request in listeners of a body that comes later', async () => {
    await using world = await openTracedWorld();
    const { receiver, telemetry } = world;
    const seen: (TraceIds | undefined)[] = [];
    const orders = await world.serve(ORDERS, WEB, (incoming, response) => {
      incoming.on('data', () => seen.push(telemetry.traceIds()));
      incoming.once('end', () => {
        seen.push(telemetry.traceIds());
        response.end('ok');
      });
      response.once('finish', () => seen.push(telemetry.traceIds()));
      response.write('go on');
    });
    const agent = createAgent({ source: await world.open(WEB), authorize: authorizeId(ORDERS) });
    world.atEnd(() => agent.destroy());
    const sent = request(orders, { method: 'POST', agent });
    sent.flushHeaders();
    const [response]: readonly unknown[] = await once(sent, 'response');
    sent.end('late');
    if (response instanceof IncomingMessage) await once(response.resume(), 'end');
    const [span] = await receiver.untilSpans(1, ({ kind }) => kind === 'SERVER');
    expect(seen).toHaveLength(3);
    for (const ids of seen) expect(ids).toMatchObject(idsOf(span));
  });
});

describe('a trace context that a caller sends', () => {
  it('is the parent, and what cannot be read is the start of a new trace', async () => {
    await using world = await openTracedWorld();
    const { receiver } = world;
    const orders = await world.serve(ORDERS, WEB, (_request, response) => void response.end('ok'));
    const fetch = await world.plainFetchAs(WEB, ORDERS);
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const wrong = [
      '',
      'x',
      `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
      `00-${traceId}-b7ad6b7169203331-01`.repeat(200),
      `ff-${traceId}-b7ad6b7169203331-01`,
    ];
    for (const traceparent of [`00-${traceId}-b7ad6b7169203331-01`, ...wrong])
      await (await fetch(orders, { headers: { traceparent } })).text();
    const [good, ...bad] = await receiver.untilSpans(1 + wrong.length);
    expect(good).toMatchObject({ traceId, parentSpanId: 'b7ad6b7169203331', kind: 'SERVER' });
    for (const span of bad) {
      expect(span.traceId).not.toBe(traceId);
      expect(span.parentSpanId).toBeUndefined();
    }
  });

  it('reaches the handler with its baggage, and is not seen by the next request on the connection', async () => {
    await using world = await openTracedWorld();
    const { receiver } = world;
    const seen: (string | undefined)[] = [];
    const orders = await world.serve(ORDERS, WEB, (_request, response) => {
      seen.push(propagation.getActiveBaggage()?.getEntry('tenant')?.value);
      response.end('ok');
    });
    const fetch = await world.plainFetchAs(WEB, ORDERS);
    await (await fetch(orders, { headers: { baggage: 'tenant=blue' } })).text();
    await (await fetch(orders)).text();
    expect(seen).toEqual(['blue', undefined]);
    const spans = await receiver.untilSpans(2);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(2);
  });
});

describe('a propagator that throws', () => {
  it('costs a span, never a request', async () => {
    await using world = await openTracedWorld();
    const orders = await world.serve(ORDERS, WEB, (_request, response) => void response.end('ok'));
    const fetch = await world.plainFetchAs(WEB, ORDERS);
    propagation.disable();
    propagation.setGlobalPropagator({
      fields: () => [],
      inject: () => undefined,
      extract() {
        throw new Error('broken');
      },
    });
    expect(await (await fetch(orders)).text()).toBe('ok');
    propagation.disable();
    expect(await (await fetch(orders)).text()).toBe('ok');
    await world.receiver.untilSpans(1);
    expect(world.receiver.spans).toHaveLength(1);
  });
});

describe('a call that fails', () => {
  it('is an error of the server at 5xx, and of the client at 4xx too', async () => {
    await using world = await openTracedWorld();
    const { receiver } = world;
    const orders = await world.serve(ORDERS, WEB, ({ url }, response) => void response.writeHead(Number(url?.slice(1))).end());
    const fetch = await world.fetchAs(WEB, ORDERS);
    for (const status of [404, 503]) await (await fetch(`${orders}/${status}`)).text();
    const spans = await receiver.untilSpans(4);
    const byKind = (wanted: string): unknown[] =>
      spans
        .filter(({ kind }) => kind === wanted)
        .map(({ failed, attributes }) => [attributes['http.response.status_code'], failed, attributes['error.type']]);
    expect(byKind('SERVER')).toEqual([
      [404, false, undefined],
      [503, true, '503'],
    ]);
    expect(byKind('CLIENT')).toEqual([
      [404, true, '404'],
      [503, true, '503'],
    ]);
  });

  it('is an error of the server when its answer is cut off', async () => {
    await using world = await openTracedWorld();
    const { receiver } = world;
    const orders = await world.serve(ORDERS, WEB, (request, response) => {
      response.write('begun');
      request.socket.destroy();
    });
    const fetch = await world.fetchAs(WEB, ORDERS);
    await expect(fetch(orders).then((response) => response.text())).rejects.toThrow();
    const [span] = await receiver.untilSpans(1, ({ kind }) => kind === 'SERVER');
    expect(span).toMatchObject({ failed: true, attributes: { 'error.type': 'aborted' } });
  });

  it('names our reason when the server is not the one wanted', async () => {
    await using world = await openTracedWorld();
    const { receiver } = world;
    const orders = await world.serve(ORDERS, WEB, (_request, response) => void response.end());
    const fetch = await world.fetchAs(WEB, STOCK);
    await expect(fetch(orders)).rejects.toThrow('fetch failed');
    const [span] = await receiver.untilSpans(1, ({ kind }) => kind === 'CLIENT');
    expect(span).toMatchObject({ failed: true, attributes: { 'error.type': 'ERR_PEER_UNAUTHORIZED' } });
    expect(span?.attributes).not.toHaveProperty('spiffe.peer.id');
  });
});

describe('instrumentFetch', () => {
  it('keeps the headers, the method and the body of a Request, and the caller its own context', async () => {
    await using world = await openTracedWorld();
    const { receiver } = world;
    const orders = await world.serve(ORDERS, WEB, async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      response.end(JSON.stringify({ method: request.method, kept: request.headers['x-kept'], body }));
    });
    const fetch = await world.fetchAs(WEB, ORDERS);
    const original = new Request(orders, { method: 'PUT', body: 'text', headers: { 'x-kept': 'yes' } });
    const parent = trace.getTracer('test').startSpan('parent');
    await context.with(trace.setSpan(context.active(), parent), async () => {
      expect(await (await fetch(original)).json()).toEqual({ method: 'PUT', kept: 'yes', body: 'text' });
      expect(trace.getActiveSpan()).toBe(parent);
    });
    parent.end();
    const [client] = await receiver.untilSpans(1, ({ kind }) => kind === 'CLIENT');
    expect(client).toMatchObject({ name: 'PUT', parentSpanId: parent.spanContext().spanId });
    expect(original.headers.has('traceparent')).toBe(false);
  });

  it('shows methods that nobody knows under one name', async () => {
    await using world = await openTracedWorld();
    const { receiver } = world;
    const orders = await world.serve(ORDERS, WEB, (_request, response) => void response.end());
    const fetch = await world.fetchAs(WEB, ORDERS);
    await (await fetch(orders, { method: 'PURGE' })).text();
    for (const span of await receiver.untilSpans(2)) {
      expect(span).toMatchObject({
        name: 'HTTP',
        attributes: { 'http.request.method': '_OTHER', 'http.request.method_original': 'PURGE' },
      });
    }
  });
});
