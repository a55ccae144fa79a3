import { describe, expect, it } from 'vitest';
import { MAX_ATTRIBUTE_CHARS } from '../../src/telemetry/conventions.ts';
import { createGrpcDescription, createHttpDescription, MAX_GRPC_METHODS } from '../../src/telemetry/server-call.ts';

const http = { method: 'GET', path: '/', httpVersion: '1.1', upgrade: false } as const;
const grpc = { ...http, method: 'POST', httpVersion: '2' } as const;

describe('the description of an HTTP request', () => {
  it.each([
    ['/orders/7?token=secret', '/orders/7'],
    ['/orders#secret', '/orders'],
    ['*', '*'],
    ['https://user:secret@orders/', undefined],
    ['orders:443', undefined],
    [`/${'x'.repeat(20_000)}`, `/${'x'.repeat(MAX_ATTRIBUTE_CHARS - 1)}`],
  ])('shows of the target %.40s the path alone, within bounds', (path, shown) => {
    expect(createHttpDescription()({ ...http, path }).attributes['url.path']).toBe(shown);
  });

  it('puts a method that is not known under one name, and keeps the original on the span alone, within bounds', () => {
    const call = createHttpDescription()({ ...http, method: 'X'.repeat(20_000) });
    expect(call).toMatchObject({
      spanName: 'HTTP',
      attributes: { 'http.request.method': '_OTHER', 'http.request.method_original': 'X'.repeat(MAX_ATTRIBUTE_CHARS) },
    });
    expect(JSON.stringify(call.outcome({ status: 200, aborted: false }).metric)).not.toContain('XX');
  });

  it('knows the methods that it is told', () => {
    expect(createHttpDescription(['PURGE'])({ ...http, method: 'PURGE' }).spanName).toBe('PURGE');
    expect(createHttpDescription(['PURGE'])(http).spanName).toBe('HTTP');
  });

  it('does not measure how long an upgraded connection lasts', () => {
    const ended = { status: 0, aborted: false };
    expect(createHttpDescription()({ ...http, upgrade: true }).outcome(ended)).toEqual({ span: {}, error: undefined, metric: undefined });
  });

  it('says that an answer was cut off, whatever its status', () => {
    const { span, error } = createHttpDescription()(http).outcome({ status: 200, aborted: true });
    expect({ span, error }).toEqual({ span: { 'http.response.status_code': 200, 'error.type': 'aborted' }, error: 'aborted' });
  });
});

describe('the description of a gRPC call', () => {
  it.each(['', '/', '/a', '/a/b/c', '/a b/c', `/test.Echo/${'x'.repeat(20_000)}`])('of the path %.20j has no method', (path) => {
    const call = createGrpcDescription()({ ...grpc, path });
    expect(call).toMatchObject({ spanName: 'grpc', attributes: { 'rpc.method': '_OTHER' } });
    const { span } = call.outcome({ status: 200, grpcStatus: 12, aborted: false });
    expect(String(span['rpc.method_original']).length).toBeLessThanOrEqual(MAX_ATTRIBUTE_CHARS);
  });

  it('measures a method under its name once a server has answered it, and never what callers make up', () => {
    const describeCall = createGrpcDescription();
    const measured = (path: string, end: { grpcStatus?: number; aborted: boolean }): unknown =>
      describeCall({ ...grpc, path }).outcome({ status: 200, ...end }).metric?.['rpc.method'];
    expect(measured('/test.Echo/Echo', { aborted: true })).toBe('_OTHER');
    expect(measured('/test.Echo/Made', { grpcStatus: 12, aborted: false })).toBe('_OTHER');
    expect(measured('/test.Echo/Echo', { grpcStatus: 0, aborted: false })).toBe('test.Echo/Echo');
    expect(measured('/test.Echo/Echo', { aborted: true })).toBe('test.Echo/Echo');
  });

  it('tells a bounded number of methods apart', () => {
    const describeCall = createGrpcDescription();
    const names = new Set(
      Array.from({ length: MAX_GRPC_METHODS * 2 }, (_, index) => {
        const ended = { status: 200, grpcStatus: 0, aborted: false };
        return describeCall({ ...grpc, path: `/test.Echo/M${index}` }).outcome(ended).metric?.['rpc.method'];
      }),
    );
    expect(names.size).toBe(MAX_GRPC_METHODS + 1);
  });

  it.each([
    [{ grpcStatus: 0, aborted: false }, 'OK', undefined],
    [{ grpcStatus: 5, aborted: false }, 'NOT_FOUND', undefined],
    [{ grpcStatus: 14, aborted: false }, 'UNAVAILABLE', 'UNAVAILABLE'],
    [{ grpcStatus: 99, aborted: false }, 'UNKNOWN', 'UNKNOWN'],
    [{ aborted: true }, 'CANCELLED', undefined],
    [{ grpcStatus: 0, aborted: true }, 'CANCELLED', undefined],
    [{ grpcStatus: 13, aborted: true }, 'INTERNAL', 'INTERNAL'],
    [{ aborted: false }, 'UNKNOWN', 'UNKNOWN'],
  ])('that ended with %j has a status, and an error when the server is to blame', (end, status, error) => {
    const outcome = createGrpcDescription()({ ...grpc, path: '/test.Echo/Echo' }).outcome({ status: 200, ...end });
    expect([outcome.span['rpc.status_code'], outcome.error]).toEqual([status, error]);
  });
});
