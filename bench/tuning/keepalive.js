// Who reads GRPC_KEEPALIVE_TIME: pings that a gRPC server gets in three seconds of a call that it does not answer.
import { once } from 'node:events';
import { createServer } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { startWorker } from '../lib/worker.js';

const SECONDS = 3.5;
const env = { GRPC_KEEPALIVE_TIME: '1s', GRPC_KEEPALIVE_TIMEOUT: '5s' };

export async function measureKeepalive() {
  const rows = [];
  for (const [name, kind] of [
    ['`@grpc/grpc-js`, the variables alone', 'variables'],
    ['`@grpc/grpc-js`, `grpc.keepalive_time_ms: 1000`', 'option'],
    ['`service.channelOptions` of `@ephemos/service`, the variables', 'service'],
  ])
    rows.push({ name, pings: await pings(kind) });
  return { seconds: SECONDS, rows };
}

async function pings(kind) {
  let count = 0;
  const server = createServer();
  const sessions = new Set();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('ping', () => (count += 1)).on('error', () => undefined);
  });
  server.on('stream', (stream) => stream.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = startWorker('../tuning/workers/keepalive-client.js', { kind, port: server.address().port }, { env });
  try {
    await client.ready;
    await delay(SECONDS * 1000);
    return count;
  } finally {
    await client.stop();
    for (const session of sessions) session.destroy();
    server.close();
  }
}
