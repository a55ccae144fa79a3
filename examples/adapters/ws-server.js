// ws: the WebSocketServer of a server of ours. An upgrade passes the same gates as a request, and peerOf(request) is who sent it.
import { authorizeId, createServer, onDrain, openX509Source, peerOf } from 'ephemos';
import { WebSocketServer } from 'ws';

const source = await openX509Source();
const authorize = authorizeId('spiffe://example.org/web');

const server = createServer({ source, authorize });
const sockets = new WebSocketServer({ server, path: '/orders' });
sockets.on('connection', (socket, request) => {
  socket.send(`orders for ${peerOf(request).id}\n`);
  // When its peer is refused, a certificate is about to expire, or the server drains: 1001, going away.
  onDrain(request, () => socket.close(1001));
});
server.listen(process.env.PORT ?? 8443, 'localhost', () => console.log('listening on', server.address()));
