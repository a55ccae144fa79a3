// Serves the echo over HTTP, raw TLS and gRPC, each on a port of its own.
import { createInterface } from 'node:readline';
import { Server } from '@grpc/grpc-js';
import { createServer, peerOf } from 'ephemos';
import { createGrpcListener } from 'ephemos/grpc';
import { listen } from 'ephemos/tls';
import { echoService } from '../../e2e/spire/echo-grpc.js';
import { say } from './say.js';

const host = '127.0.0.1';

/**
 * Notes that a handler ran, and for whom: the suite checks that none ran for a refused peer.
 * @param {string} protocol
 * @param {string} message
 * @param {string} caller
 */
function answer(protocol, message, caller) {
  say({ event: 'request', protocol, caller });
  return { message, caller };
}

/**
 * @param {import('node:net').Server} server
 * @returns {Promise<string>} its address
 */
async function listening(server) {
  await new Promise((resolve) => server.listen(0, host, () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no address');
  return `${host}:${address.port}`;
}

/** @param {import('ephemos').ServerOptions} options */
export async function serve(options) {
  const web = createServer(options, (request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer('http', body, peerOf(request).id.toString())));
    });
  });
  const raw = await listen({ ...options, host, port: 0 }, (socket) => {
    createInterface({ input: socket }).once('line', (line) => {
      socket.end(`${JSON.stringify(answer('tls', line, peerOf(socket).id.toString()))}\n`);
    });
  });

  const grpc = new Server();
  grpc.addService(echoService, {
    /** @type {import('@grpc/grpc-js').handleUnaryCall<{ message: string }, { message: string, caller: string }>} */
    Echo: (call, done) => done(null, answer('grpc', call.request.message, peerOf(call).id.toString())),
  });
  const grpcListener = createGrpcListener(grpc, options);
  say({ event: 'listening', http: await listening(web), tls: `${host}:${raw.address().port}`, grpc: await listening(grpcListener) });
}
