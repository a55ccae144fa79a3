// A service as a team writes it: HTTP, WebSocket-like upgrades and gRPC on one port. Run by service-process.ts on the built packages.

import { openService } from '@ephemos/service';
import { Server } from '@grpc/grpc-js';
import { peerOf } from 'ephemos';

const service = await openService();
const serialize = (value) => Buffer.from(JSON.stringify(value));
const deserialize = (bytes) => JSON.parse(String(bytes));
const method = (name, responseStream) => ({
  path: `/test.Echo/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: serialize,
  requestDeserialize: deserialize,
  responseSerialize: serialize,
  responseDeserialize: deserialize,
});
const server = new Server(service.grpcOptions);
server.addService(
  { echo: method('Echo', false), ticks: method('Ticks', true) },
  {
    echo(call, done) {
      setTimeout(() => done(null, { text: `${call.request.text} from ${peerOf(call).id}` }), call.request.delay ?? 0);
    },
    ticks(call) {
      const timer = setInterval(() => call.write({ text: 'tick' }), 20);
      const end = () => {
        clearInterval(timer);
        call.end();
      };
      service.draining.addEventListener('abort', end, { once: true });
      call.on('cancelled', () => clearInterval(timer));
    },
  },
);
service
  .grpc(server)
  .http(
    (request, response) => {
      const delay = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('delay') ?? 0);
      if (request.url === '/hang') return;
      setTimeout(() => response.end(`${request.method} ${request.url} from ${peerOf(request).id}`), delay);
    },
    {
      onUpgrade(_request, socket) {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n');
        service.draining.addEventListener('abort', () => socket.end('bye'), { once: true });
      },
    },
  )
  .onClose(() => service.log.info('closed what calls needed'));
// What would keep a process alive that does not end itself.
setInterval(() => undefined, 1_000);
await service.run();
