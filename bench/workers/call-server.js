// An HTTP or gRPC server, stock or ours, that answers 100 bytes.
import { createServer as createStockServer } from 'node:https';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { authorizeMemberOf, createServer, peerOf } from 'ephemos';
import { createGrpcListener } from 'ephemos/grpc';
import { echoDefinition } from '../lib/echo.js';
import { bundlePem, createFixedSource, toPem } from '../lib/identities.js';
import { createCpuMeter, serveWorker } from '../lib/worker.js';

const cpu = createCpuMeter();
const body = 'x'.repeat(100);
let asksPeer = false;

function answer(request, response) {
  if (asksPeer && peerOf(request).id.path === '') throw new Error('no path');
  request.resume();
  response.end(body);
}

// Between its turns a pair rests longer than Node keeps an idle connection; what is measured is not how clients notice.
function keepingAlive(server) {
  server.keepAliveTimeout = 120_000;
  return server;
}

function listening(server) {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}

function grpcServer() {
  const server = new Server();
  server.addService(echoDefinition, {
    echo(call, callback) {
      if (asksPeer && peerOf(call).id.path === '') throw new Error('no path');
      callback(null, call.request);
    },
  });
  return server;
}

const open = {
  'http stock': ({ server, bundle }) => {
    const options = { ...toPem(server), ca: bundlePem(bundle), requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' };
    return listening(keepingAlive(createStockServer(options, answer)));
  },
  'http ours': ({ server, bundle }) =>
    listening(
      keepingAlive(createServer({ source: createFixedSource([server], bundle), authorize: authorizeMemberOf('bench.example') }, answer)),
    ),
  'grpc stock': ({ server, bundle }) => {
    const { cert, key } = toPem(server);
    const credentials = ServerCredentials.createSsl(
      Buffer.from(bundlePem(bundle)),
      [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
      true,
    );
    return new Promise((resolve, reject) =>
      grpcServer().bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port))),
    );
  },
  'grpc ours': ({ server, bundle }) =>
    listening(
      createGrpcListener(grpcServer(), { source: createFixedSource([server], bundle), authorize: authorizeMemberOf('bench.example') }),
    ),
};

serveWorker({
  start: ({ kind, identities }) => open[kind](identities),
  askPeer(on) {
    asksPeer = on;
  },
  /** CPU seconds since the last look. */
  usage: () => cpu(),
});
