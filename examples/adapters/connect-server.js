// Connect: one handler behind two listeners, HTTP/2 for gRPC and Connect, HTTP/1.1 for Connect and gRPC-Web. Only ops may delete.
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { authorizeId, authorizeOneOf, createServer, openX509Source } from 'ephemos';
import { peerOf, peerValues, requirePeer } from 'ephemos/connect';
import { createHttp2Server } from 'ephemos/http2';
import { Orders } from './orders_pb.js';

const source = await openX509Source();
const authorize = authorizeOneOf(['spiffe://example.org/web', 'spiffe://example.org/ops']);
const isOps = authorizeId('spiffe://example.org/ops');

const handler = connectNodeAdapter({
  contextValues: peerValues,
  interceptors: [requirePeer((peer, target) => target?.method === 'Get' || isOps(peer))],
  routes: (router) =>
    router.service(Orders, {
      get: ({ id }, context) => ({ id, caller: peerOf(context).id.toString() }),
      delete: ({ id }, context) => ({ id, caller: peerOf(context).id.toString() }),
    }),
});

const http2 = createHttp2Server({ source, authorize }, handler);
http2.listen(process.env.PORT ?? 8443, 'localhost', () => console.log('listening on', http2.address()));
const http1 = createServer({ source, authorize }, handler);
http1.listen(process.env.PORT1 ?? 8444, 'localhost', () => console.log('HTTP/1.1 on', http1.address()));
