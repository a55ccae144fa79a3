import { once } from 'node:events';
import { connect } from 'node:http2';
import * as grpc from '@grpc/grpc-js';
import { context, trace } from '@opentelemetry/api';
import { authorizeId } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { connect as connectTls } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import type { TraceIds } from '../../src/telemetry/telemetry.ts';
import { type Answer, createEchoClient, createEchoServer, type EchoClient } from './echo.ts';
import { idsOf, ORDERS, openTracedWorld, STOCK, type TracedWorld, WEB } from './traced-world.ts';

async function serve(world: TracedWorld, id: string, caller: string, answer: Answer): Promise<number> {
  const server = createEchoServer(answer);
  world.atEnd(() => server.forceShutdown());
  const { intercept } = world.telemetry;
  return world.listen(createGrpcListener(server, { source: await world.open(id), authorize: authorizeId(caller), intercept }));
}

async function openClient(world: TracedWorld, id: string, server: string, port: number): Promise<EchoClient> {
  const credentials = createChannelCredentials({ source: await world.open(id), authorize: authorizeId(server) });
  const client = createEchoClient(`127.0.0.1:${port}`, credentials, [world.telemetry.createGrpcInterceptor(grpc)]);
  world.atEnd(() => client[Symbol.dispose]());
  return client;
}

describe('two servers over gRPC', () => {
  it('are one trace, each span the child of the one that led to it, with the peers that were verified', async () => {
    await using world = await openTracedWorld();
    const stock = await serve(world, STOCK, ORDERS, (text) => `stock: ${text}`);
    const toStock = await openClient(world, ORDERS, STOCK, stock);
    const orders = await serve(world, ORDERS, WEB, (text) => toStock.echo(text));
    const toOrders = await openClient(world, WEB, ORDERS, orders);
    expect(await toOrders.echo('7')).toBe('stock: 7');

    const spans = await world.receiver.untilSpans(4);
    const [first] = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
    const [second] = spans.filter(({ parentSpanId }) => parentSpanId === first?.spanId);
    const [third] = spans.filter(({ parentSpanId }) => parentSpanId === second?.spanId);
    const [fourth] = spans.filter(({ parentSpanId }) => parentSpanId === third?.spanId);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    const call = {
      'rpc.system.name': 'grpc',
      'rpc.method': 'test.Echo/Echo',
      'rpc.status_code': 'OK',
      'spiffe.peer.trust_domain': 'example.org',
    };
    const name = 'test.Echo/Echo';
    expect(first).toMatchObject({
      name,
      kind: 'CLIENT',
      failed: false,
      attributes: { ...call, 'server.address': '127.0.0.1', 'server.port': orders, 'spiffe.peer.id': ORDERS },
    });
    expect(second).toMatchObject({
      name,
      kind: 'SERVER',
      failed: false,
      attributes: { ...call, 'spiffe.peer.id': WEB, 'tls.protocol.version': '1.3' },
    });
    expect(third).toMatchObject({ name, kind: 'CLIENT', attributes: { ...call, 'server.port': stock, 'spiffe.peer.id': STOCK } });
    expect(fourth).toMatchObject({ name, kind: 'SERVER', attributes: { ...call, 'spiffe.peer.id': ORDERS } });
  });
});

describe('traceIds', () => {
  it('are those of the span of the call for every message of a stream, whenever it comes', async () => {
    await using world = await openTracedWorld();
    const seen: (TraceIds | undefined)[] = [];
    const orders = await serve(world, ORDERS, WEB, (text) => {
      seen.push(world.telemetry.traceIds());
      return text;
    });
    const chat = (await openClient(world, WEB, ORDERS, orders)).chat();
    for (const text of ['one', 'two']) {
      chat.write(text);
      await once(chat, 'data');
    }
    chat.end();
    await once(chat.resume(), 'end');
    const [span] = await world.receiver.untilSpans(1, ({ kind }) => kind === 'SERVER');
    expect(span).toMatchObject({ name: 'test.Echo/Chat' });
    expect(seen).toEqual([0, 1].map(() => ({ ...idsOf(span), trace_flags: '01' })));
  });

  it('are those of the span of the call when its message comes long after its headers', async () => {
    await using world = await openTracedWorld();
    const seen: (TraceIds | undefined)[] = [];
    const orders = await serve(world, ORDERS, WEB, (text) => {
      seen.push(world.telemetry.traceIds());
      return text;
    });
    const tls = await connectTls({
      host: '127.0.0.1',
      port: orders,
      protocols: ['h2'],
      source: await world.open(WEB),
      authorize: authorizeId(ORDERS),
    });
    const session = connect('https://127.0.0.1', { createConnection: () => tls });
    world.atEnd(() => session.destroy());
    const stream = session.request({ ':method': 'POST', ':path': '/test.Echo/Echo', 'content-type': 'application/grpc', te: 'trailers' });
    // A ping is answered when the server has read what was sent before it.
    await new Promise((resolve) => session.ping(resolve));
    stream.end(Buffer.from([0, 0, 0, 0, 1, 120]));
    await once(stream.resume(), 'close');
    const [span] = await world.receiver.untilSpans(1, ({ kind }) => kind === 'SERVER');
    expect(seen).toEqual([{ ...idsOf(span), trace_flags: '01' }]);
  });

  it('are those of the caller in what is called back by a client', async () => {
    await using world = await openTracedWorld();
    const orders = await serve(world, ORDERS, WEB, (text) => text);
    const client = await openClient(world, WEB, ORDERS, orders);
    const parent = trace.getTracer('test').startSpan('parent');
    const seen: unknown[] = [];
    const chat = context.with(trace.setSpan(context.active(), parent), () => client.chat());
    chat.on('data', () => {
      seen.push(trace.getActiveSpan());
      chat.end();
    });
    chat.on('end', () => seen.push('end'));
    chat.write('x');
    await once(chat, 'end');
    parent.end();
    expect(seen).toEqual([parent, 'end']);
  });
});

describe('a call that fails', () => {
  it('is always an error of its client, and of its server when that is to blame', async () => {
    await using world = await openTracedWorld();
    const orders = await serve(world, ORDERS, WEB, (text) => Number(text));
    const client = await openClient(world, WEB, ORDERS, orders);
    for (const code of [grpc.status.NOT_FOUND, grpc.status.INTERNAL])
      await expect(client.echo(String(code))).rejects.toMatchObject({ code });
    const spans = await world.receiver.untilSpans(4);
    const byKind = (wanted: string): unknown[] =>
      spans
        .filter(({ kind }) => kind === wanted)
        .map(({ failed, attributes }) => [attributes['rpc.status_code'], failed, attributes['error.type']]);
    expect(byKind('SERVER')).toEqual([
      ['NOT_FOUND', false, undefined],
      ['INTERNAL', true, 'INTERNAL'],
    ]);
    expect(byKind('CLIENT')).toEqual([
      ['NOT_FOUND', true, 'NOT_FOUND'],
      ['INTERNAL', true, 'INTERNAL'],
    ]);
  });

  it('that nobody serves has no name of its own', async () => {
    await using world = await openTracedWorld();
    const orders = await serve(world, ORDERS, WEB, (text) => text);
    const client = await openClient(world, WEB, ORDERS, orders);
    await expect(client.echo('x', { path: '/test.Echo/Nothing' })).rejects.toMatchObject({ code: grpc.status.UNIMPLEMENTED });
    const [span] = await world.receiver.untilSpans(1, ({ kind }) => kind === 'SERVER');
    expect(span).toMatchObject({
      name: 'grpc',
      attributes: { 'rpc.method': '_OTHER', 'rpc.method_original': 'test.Echo/Nothing', 'error.type': 'UNIMPLEMENTED' },
    });
  });

  it('by its caller is cancelled, and no error of the server', async () => {
    await using world = await openTracedWorld();
    const cancel = new AbortController();
    const orders = await serve(world, ORDERS, WEB, () => {
      cancel.abort();
      return new Promise<string>(() => undefined);
    });
    const client = await openClient(world, WEB, ORDERS, orders);
    await expect(client.echo('x', { signal: cancel.signal })).rejects.toMatchObject({ code: grpc.status.CANCELLED });
    const [span] = await world.receiver.untilSpans(1, ({ kind }) => kind === 'SERVER');
    expect(span).toMatchObject({ failed: false, attributes: { 'rpc.status_code': 'CANCELLED' } });
  });
});

describe('createGrpcInterceptor', () => {
  it('leaves the metadata of the caller as it is, and sends it', async () => {
    await using world = await openTracedWorld();
    const orders = await serve(world, ORDERS, WEB, (_text, sent) => sent.get('x-kept').join());
    const client = await openClient(world, WEB, ORDERS, orders);
    const metadata = new grpc.Metadata();
    metadata.set('x-kept', 'yes');
    expect(await client.echo('x', { metadata })).toBe('yes');
    expect(metadata.get('traceparent')).toEqual([]);
  });
});
