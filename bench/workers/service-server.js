// An HTTP/1 server with a policy: bare, or as a service with its metrics and its audit (one decision of a hundred gets a line, as by default).
import { openSync } from 'node:fs';
import { openService } from '@ephemos/service';
import { createPolicyAuthorizer, createServer, openX509Source } from 'ephemos';
import { createCpuMeter, serveWorker } from '../lib/worker.js';

const cpu = createCpuMeter();
const body = 'x'.repeat(100);

function answer(request, response) {
  request.resume();
  response.end(body);
}

async function openBare(service) {
  const { limits, keepalive } = service.config;
  const options = { ...limits, limits, source: service.source, authorize: createPolicyAuthorizer(service.policy) };
  const server = createServer(options, answer);
  server.keepAliveTimeout = keepalive.maxConnectionIdle;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

serveWorker({
  async start({ kind, path, endpoint }) {
    // Lines go where they cost what a pipe costs, and nobody reads them.
    const nowhere = openSync('/dev/null', 'w');
    const { default: pino } = await import('pino');
    const logDestination = pino.destination({ fd: nowhere, sync: true });
    const service = await openService({ path, socket: endpoint, env: {}, logDestination, ownsProcess: false });
    if (kind === 'watched') return (await service.http(answer).start()).listen.port;
    // Its configuration and policy alone: metrics and audit listen to the whole process.
    const { policy, config } = service;
    await service.stop();
    return openBare({ policy, config, source: await openX509Source({ endpoint }) });
  },
  /** CPU seconds since the last look. */
  usage: () => cpu(),
});
