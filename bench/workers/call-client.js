// A load client over HTTP keep-alive or gRPC, stock or ours.
import { Agent, request } from 'node:https';
import { Client, credentials } from '@grpc/grpc-js';
import { authorizeMemberOf, createAgent } from 'ephemos';
import { createChannelCredentials } from 'ephemos/grpc';
import { echoDefinition } from '../lib/echo.js';
import { bundlePem, createFixedSource, toPem } from '../lib/identities.js';
import { createCpuMeter, serveWorker } from '../lib/worker.js';

function createHttpCall(agent) {
  return (port) =>
    new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port, agent, method: 'GET', path: '/', servername: '', checkServerIdentity: () => undefined },
        (response) => {
          response.resume();
          response.on('end', resolve);
        },
      );
      sent.on('error', reject);
      sent.end();
    });
}

function createGrpcCall(channelCredentials, options) {
  const { path, requestSerialize, responseDeserialize } = echoDefinition.echo;
  const clients = new Map();
  const message = { message: 'x'.repeat(100) };
  const clientOf = (port) => {
    if (!clients.has(port)) clients.set(port, new Client(`localhost:${port}`, channelCredentials, options));
    return clients.get(port);
  };
  return (port) =>
    new Promise((resolve, reject) => {
      clientOf(port).makeUnaryRequest(path, requestSerialize, responseDeserialize, message, (error) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
}

const ours = ({ callers, bundle }) => ({ source: createFixedSource(callers, bundle), authorize: authorizeMemberOf('bench.example') });

const open = {
  'http stock': ({ callers: [caller], bundle }) =>
    createHttpCall(new Agent({ keepAlive: true, maxSockets: 32, ...toPem(caller), ca: bundlePem(bundle) })),
  'http ours': (identities) => createHttpCall(createAgent({ ...ours(identities), maxSockets: 32 })),
  'grpc stock': ({ callers: [caller], bundle }) => {
    const { cert, key } = toPem(caller);
    return createGrpcCall(
      credentials.createSsl(Buffer.from(bundlePem(bundle)), Buffer.from(key), Buffer.from(cert), { checkServerIdentity: () => undefined }),
    );
  },
  'grpc ours': (identities) => createGrpcCall(createChannelCredentials(ours(identities))),
};

const cpu = createCpuMeter();
let call;

serveWorker({
  start({ kind, identities }) {
    call = open[kind](identities);
  },
  /** CPU seconds since the last look. */
  usage: () => cpu(),
  /** Calls per second. */
  async run({ port, seconds, concurrency = 32 }) {
    const startedAt = performance.now();
    const until = startedAt + seconds * 1000;
    let done = 0;
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        while (performance.now() < until) {
          await call(port);
          done += 1;
        }
      }),
    );
    return { perSecond: (done * 1000) / (performance.now() - startedAt), calls: done };
  },
});
