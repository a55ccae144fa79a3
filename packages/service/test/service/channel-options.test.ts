import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDevAgent } from '@ephemos/dev';
import { openService } from '@ephemos/service';
import { channelOptions } from 'ephemos/grpc';
import { expect, it } from 'vitest';
import { baseConfig, ORDERS } from './service-process.ts';

it('gives gRPC clients the bounded wait of ephemos/grpc, and the keepalive of its configuration', async () => {
  await using agent = await openDevAgent({ trustDomain: 'example.org' });
  const directory = mkdtempSync(join(tmpdir(), 'eph-channel-'));
  const path = join(directory, 'config.yaml');
  writeFileSync(path, `${baseConfig}keepalive: { time: 30s, timeout: 5s }\n`.replace('drain_delay: 300ms', 'drain_delay: 0s'));
  try {
    await using service = await openService({
      path,
      socket: await agent.endpointFor(ORDERS),
      ownsProcess: false,
      logDestination: { write: () => undefined },
    });
    expect(service.channelOptions).toEqual({ ...channelOptions, 'grpc.keepalive_time_ms': 30_000, 'grpc.keepalive_timeout_ms': 5_000 });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
