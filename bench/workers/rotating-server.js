// A server on a real source: it speaks gRPC and HTTP on one port and presents whatever SVID the agent pushed last.
import { Server } from '@grpc/grpc-js';
import { authorizeMemberOf, openX509Source } from 'ephemos';
import { createGrpcListener } from 'ephemos/grpc';
import { echoDefinition } from '../lib/echo.js';
import { serveWorker } from '../lib/worker.js';

serveWorker({
  async start({ endpoint }) {
    const source = await openX509Source({ endpoint });
    const server = new Server();
    server.addService(echoDefinition, { echo: (call, callback) => callback(null, call.request) });
    const listener = createGrpcListener(server, {
      source,
      authorize: authorizeMemberOf('bench.example'),
      http: (request, response) => request.on('end', () => response.end('ok')).resume(),
    });
    return new Promise((resolve) => listener.listen(0, '127.0.0.1', () => resolve(listener.address().port)));
  },
});
