// @grpc/grpc-js: the listener lets callers in, the interceptor says who may call which method. Only ops may delete.
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { authorizeId, authorizeOneOf, openX509Source } from 'ephemos';
import { createGrpcListener, peerOf, requirePeer } from 'ephemos/grpc';

const source = await openX509Source();
const authorize = authorizeOneOf(['spiffe://example.org/web', 'spiffe://example.org/ops']);
const isOps = authorizeId('spiffe://example.org/ops');

const { orders } = loadPackageDefinition(loadSync(fileURLToPath(new URL('proto/orders.proto', import.meta.url))));
const server = new Server({ interceptors: [requirePeer((peer, target) => target?.method === 'Get' || isOps(peer))] });
server.addService(orders.v1.Orders.service, {
  Get: (call, callback) => callback(null, { id: call.request.id, caller: peerOf(call).id.toString() }),
  Delete: (call, callback) => callback(null, { id: call.request.id, caller: peerOf(call).id.toString() }),
});

const listener = createGrpcListener(server, { source, authorize });
listener.listen(process.env.PORT ?? 8443, 'localhost', () => console.log('listening on', listener.address()));
