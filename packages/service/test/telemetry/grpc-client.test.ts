import { describe, expect, it } from 'vitest';
import { serverAttributes } from '../../src/telemetry/grpc-client.ts';

// The examples of the conventions, and what grpc-js makes of a plain address.
describe('the target of a channel', () => {
  it.each([
    ['grpc.io:50051', 'grpc.io', 50051],
    ['dns:orders:8443', 'orders', 8443],
    ['dns:[::1]:8443', '::1', 8443],
    ['dns://1.2.3.4/grpc.io:50051', 'grpc.io', 50051],
    ['unix:///run/orders.sock', '/run/orders.sock', undefined],
    ['unix:/run/orders.sock', '/run/orders.sock', undefined],
    ['zk://zookeeper:2181/my-server', 'zk://zookeeper:2181/my-server', undefined],
    ['ipv4:198.51.100.123:50051,198.51.100.124:50051', 'ipv4:198.51.100.123:50051,198.51.100.124:50051', undefined],
  ])('%s is the server %s', (target, address, port) => {
    expect(serverAttributes(target)).toEqual({ 'server.address': address, ...(port !== undefined && { 'server.port': port }) });
  });
});
