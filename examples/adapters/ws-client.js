// ws: the client takes our agent, which verifies the server before the upgrade is sent.
import { authorizeId, createAgent, openX509Source } from 'ephemos';
import { WebSocket } from 'ws';

const source = await openX509Source();
const agent = createAgent({ source, authorize: authorizeId('spiffe://example.org/orders') });

const socket = new WebSocket(new URL('/orders', process.argv[2] ?? 'https://localhost:8443'), { agent });
socket.on('message', (data) => {
  process.stdout.write(data);
  socket.close();
});
