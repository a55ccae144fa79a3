// Express 5: the app is the listener of createServer. Only ops may delete.
import { authorizeId, authorizeOneOf, createServer, openX509Source } from 'ephemos';
import { peerOf, requirePeer } from 'ephemos/express';
import express from 'express';

const source = await openX509Source();
const authorize = authorizeOneOf(['spiffe://example.org/web', 'spiffe://example.org/ops']);

const app = express();
app.get('/orders', (req, res) => {
  res.send(`orders for ${peerOf(req).id}`);
});
app.delete('/orders/:id', requirePeer(authorizeId('spiffe://example.org/ops')), (req, res) => {
  res.send(`${req.params.id} deleted for ${peerOf(req).id}`);
});

const server = createServer({ source, authorize }, app);
server.listen(process.env.PORT ?? 8443, 'localhost', () => console.log('listening on', server.address()));
