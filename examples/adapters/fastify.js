// Fastify 5: createServer is its server factory. Only ops may delete.
import { authorizeId, authorizeOneOf, createServer, openX509Source } from 'ephemos';
import { peerOf, requirePeer } from 'ephemos/fastify';
import { fastify } from 'fastify';

const source = await openX509Source();
const authorize = authorizeOneOf(['spiffe://example.org/web', 'spiffe://example.org/ops']);

const app = fastify({ serverFactory: (handler) => createServer({ source, authorize }, handler) });
app.get('/orders', async (request) => `orders for ${peerOf(request).id}`);
app.delete('/orders/:id', { onRequest: requirePeer(authorizeId('spiffe://example.org/ops')) }, async (request) => {
  return `${request.params.id} deleted for ${peerOf(request).id}`;
});

await app.listen({ port: Number(process.env.PORT ?? 8443) });
console.log('listening on', app.server.address());
