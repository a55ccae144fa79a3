// A gRPC client with one call under way that is never answered; where its keepalive comes from is said by `kind`.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDevAgent } from '@ephemos/dev';
import { openService } from '@ephemos/service';
import { Client, credentials } from '@grpc/grpc-js';
import { echoDefinition } from '../../lib/echo.js';
import { serveWorker } from '../../lib/worker.js';

const config = `service: { name: server, domain: bench.example }
health: { address: "127.0.0.1:0" }
metrics: { enabled: false }
`;

async function optionsOfService() {
  const directory = mkdtempSync(join(tmpdir(), 'eph-ping-'));
  const path = join(directory, 'config.yaml');
  writeFileSync(path, config);
  const agent = await openDevAgent({ trustDomain: 'bench.example' });
  const socket = await agent.endpointFor('spiffe://bench.example/server');
  const service = await openService({ path, socket, ownsProcess: false, logDestination: { write: () => undefined } });
  const { channelOptions } = service;
  await service.stop();
  await agent.close();
  rmSync(directory, { recursive: true });
  return channelOptions;
}

const kinds = {
  variables: () => ({}),
  option: () => ({ 'grpc.keepalive_time_ms': 1_000 }),
  service: optionsOfService,
};

serveWorker({
  async start({ kind, port }) {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), await kinds[kind]());
    const { path, requestSerialize, responseDeserialize } = echoDefinition.echo;
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { message: 'x' }, () => undefined);
    await new Promise((resolve, reject) => client.waitForReady(Date.now() + 5_000, (error) => (error ? reject(error) : resolve())));
  },
});
