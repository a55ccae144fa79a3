// Hono on Node.js: @hono/node-server makes a listener for createServer of the app. Only ops may delete.
import { getRequestListener } from '@hono/node-server';
import { authorizeId, authorizeOneOf, createServer, openX509Source } from 'ephemos';
import { peerOf, requirePeer } from 'ephemos/hono';
import { Hono } from 'hono';

const source = await openX509Source();
const authorize = authorizeOneOf(['spiffe://example.org/web', 'spiffe://example.org/ops']);

const app = new Hono();
app.get('/orders', (c) => c.text(`orders for ${peerOf(c).id}`));
app.delete('/orders/:id', requirePeer(authorizeId('spiffe://example.org/ops')), (c) => {
  return c.text(`${c.req.param('id')} deleted for ${peerOf(c).id}`);
});

const server = createServer({ source, authorize }, getRequestListener(app.fetch));
server.listen(process.env.PORT ?? 8443, 'localhost', () => console.log('listening on', server.address()));
