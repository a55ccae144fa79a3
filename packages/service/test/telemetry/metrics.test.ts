import * as grpc from '@grpc/grpc-js';
import { authorizeId } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { describe, expect, it } from 'vitest';
import { openTelemetry } from '../../src/telemetry/open-telemetry.ts';
import { createEchoClient, createEchoServer } from './echo.ts';
import type { ReceivedPoint } from './otlp-receiver.ts';
import { ORDERS, openTracedWorld, STOCK, type TracedWorld, WEB } from './traced-world.ts';

async function collect({ sdk, receiver }: TracedWorld): Promise<(name: string) => readonly ReceivedPoint[]> {
  await sdk.meters.forceFlush();
  return (name) => receiver.points.filter((point) => point.name === name);
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

describe('metrics', () => {
  it('time calls over HTTP by method and status, on both sides', async () => {
    await using world = await openTracedWorld();
    const orders = await world.serve(ORDERS, WEB, ({ url }, response) => void response.writeHead(url === '/good' ? 200 : 500).end());
    const fetch = await world.fetchAs(WEB, ORDERS);
    for (const path of ['/good', '/good', '/bad']) await (await fetch(orders + path)).text();
    await world.receiver.untilSpans(3, ({ kind }) => kind === 'SERVER');
    const metric = await collect(world);
    const common = { 'http.request.method': 'GET', 'url.scheme': 'https' };
    const outcomes = [
      [2, { 'http.response.status_code': 200 }],
      [1, { 'http.response.status_code': 500, 'error.type': '500' }],
    ] as const;
    expect(metric('http.server.request.duration')).toEqual(
      outcomes.map(([value, outcome]) => ({
        name: 'http.server.request.duration',
        unit: 's',
        attributes: { ...common, 'network.protocol.version': '1.1', ...outcome },
        value,
        bounds: seconds,
      })),
    );
    expect(metric('http.client.request.duration')).toEqual(
      outcomes.map(([value, outcome]) => ({
        name: 'http.client.request.duration',
        unit: 's',
        attributes: { ...common, 'server.address': '127.0.0.1', 'server.port': Number(new URL(orders).port), ...outcome },
        value,
        bounds: seconds,
      })),
    );
  });

  it('time calls over gRPC by method and status, and put methods that nobody serves under one name', async () => {
    await using world = await openTracedWorld();
    const { telemetry } = world;
    const server = createEchoServer((text) => (text === 'bad' ? grpc.status.INTERNAL : text));
    world.atEnd(() => server.forceShutdown());
    const options = { source: await world.open(ORDERS), authorize: authorizeId(WEB), intercept: telemetry.intercept };
    const port = await world.listen(createGrpcListener(server, options));
    const credentials = createChannelCredentials({ source: await world.open(WEB), authorize: authorizeId(ORDERS) });
    using client = createEchoClient(`127.0.0.1:${port}`, credentials, [telemetry.createGrpcInterceptor(grpc)]);
    await client.echo('good');
    await expect(client.echo('bad')).rejects.toThrow();
    for (const path of ['/test.Echo/Made', '/test.Echo/Up']) await expect(client.echo('x', { path })).rejects.toThrow();
    await world.receiver.untilSpans(4, ({ kind }) => kind === 'SERVER');
    const metric = await collect(world);
    const call = { 'rpc.system.name': 'grpc', 'rpc.method': 'test.Echo/Echo' };
    const shown = (name: string): unknown[] =>
      metric(name).map(({ unit, value, bounds, attributes }) => ({ unit, value, bounds, attributes }));
    expect(shown('rpc.server.call.duration')).toEqual([
      { unit: 's', value: 1, bounds: seconds, attributes: { ...call, 'rpc.status_code': 'OK' } },
      { unit: 's', value: 1, bounds: seconds, attributes: { ...call, 'rpc.status_code': 'INTERNAL', 'error.type': 'INTERNAL' } },
      {
        unit: 's',
        value: 2,
        bounds: seconds,
        attributes: { ...call, 'rpc.method': '_OTHER', 'rpc.status_code': 'UNIMPLEMENTED', 'error.type': 'UNIMPLEMENTED' },
      },
    ]);
    expect(metric('rpc.client.call.duration')).toHaveLength(4);
    expect(metric('rpc.client.call.duration')[0]).toMatchObject({
      attributes: { ...call, 'rpc.status_code': 'OK', 'server.address': '127.0.0.1', 'server.port': port },
    });
  });

  it('show the identity, the agent and the handshakes, and never who the peers are', async () => {
    await using world = await openTracedWorld();
    const orders = await world.serve(ORDERS, WEB, (_request, response) => void response.end());
    await (await (await world.fetchAs(WEB, ORDERS))(orders)).text();
    await expect((await world.fetchAs(WEB, STOCK))(orders)).rejects.toThrow();
    const metric = await collect(world);
    const [notAfter] = metric('ephemos.svid.not_after_timestamp');
    const [expiry] = metric('ephemos.certificate.expiry');
    expect(notAfter?.value).toBe((world.source.health.expiresAt ?? 0) / 1000);
    expect(expiry?.value).toBeLessThanOrEqual((notAfter?.value ?? 0) - Date.now() / 1000 + 60);
    expect(expiry?.value).toBeGreaterThan(0);
    expect(metric('ephemos.spire_agent.connection_status')).toMatchObject([{ value: 1, unit: '' }]);
    expect(metric('ephemos.tls.handshake.duration').map(({ attributes }) => attributes)).toEqual(
      expect.arrayContaining(['server', 'client'].map((role) => ({ role, 'tls.protocol.version': '1.3' }))),
    );
    expect(metric('ephemos.tls.handshake.failures')).toMatchObject([
      { value: 1, attributes: { role: 'client', 'error.type': 'ERR_PEER_UNAUTHORIZED' } },
    ]);
    expect(JSON.stringify(world.receiver.points)).not.toContain('spiffe://');
  });

  it('are gone when the telemetry is closed', async () => {
    await using world = await openTracedWorld();
    await world.telemetry.close();
    await world.telemetry.close();
    const orders = await world.serve(ORDERS, WEB, (_request, response) => void response.end());
    await (await (await world.plainFetchAs(WEB, ORDERS))(orders)).text();
    world.telemetry.setSource(world.source);
    const metric = await collect(world);
    for (const name of ['ephemos.svid.not_after_timestamp', 'ephemos.spire_agent.connection_status', 'ephemos.tls.handshake.duration']) {
      expect(metric(name)).toEqual([]);
    }
  });

  it('of the identity are not there before there is one, and those of another take their place', async () => {
    await using world = await openTracedWorld();
    await world.telemetry.close();
    await using telemetry = await openTelemetry();
    const name = 'ephemos.svid.not_after_timestamp';
    expect((await collect(world))(name)).toEqual([]);
    const other = await world.open(STOCK);
    for (const source of [world.source, other]) telemetry.setSource(source);
    expect((await collect(world))(name)).toMatchObject([{ value: (other.health.expiresAt ?? 0) / 1000 }]);
  });
});

describe('flush', () => {
  it('hands over what the SDK still holds', async () => {
    await using world = await openTracedWorld({ batch: true });
    const orders = await world.serve(ORDERS, WEB, (_request, response) => void response.end());
    await (await (await world.fetchAs(WEB, ORDERS))(orders)).text();
    expect(world.receiver.bodies).toEqual([]);
    await world.telemetry.flush();
    expect(world.receiver.spans.length).toBeGreaterThanOrEqual(1);
    expect(world.receiver.points.length).toBeGreaterThanOrEqual(1);
  });

  it('ends with its signal when the receiver does not answer', async () => {
    await using world = await openTracedWorld({ batch: true });
    const orders = await world.serve(ORDERS, WEB, (_request, response) => void response.end());
    await (await (await world.fetchAs(WEB, ORDERS))(orders)).text();
    const held = world.receiver.hold();
    const stop = new AbortController();
    const flushed = world.telemetry.flush({ signal: stop.signal });
    await held.asked;
    stop.abort();
    await flushed;
    held.release();
  });
});
