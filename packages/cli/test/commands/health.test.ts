import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDevAgent } from '@ephemos/dev';
import { openService } from '@ephemos/service';
import { describe, expect, it } from 'vitest';
import { openDirectory } from '../support/directory.ts';
import { ephemos } from '../support/ephemos.ts';
import { configOf, openPlaintextService } from '../support/plaintext-service.ts';

describe('ephemos health', () => {
  it.each([
    [[], '/readyz', 'ready'],
    [['--check', 'live'], '/livez', 'live'],
    [['--check', 'startup'], '/startupz', 'started'],
  ])('says %j with one word, and 0 when that holds', async (args, path, word) => {
    await using service = await openPlaintextService();
    const end = await ephemos(['health', '--address', service.address, ...args]);
    expect(end).toMatchObject({ code: 0, stdout: `${word}\n`, stderr: '' });
    expect(service.asked).toEqual([path]);
  });

  it('names the failing checks in one line, and ends with 1', async () => {
    await using service = await openPlaintextService();
    service.answers.probe = {
      ok: false,
      checks: [
        { name: 'svid', ok: false, reason: 'the SVID expired' },
        { name: 'bundle', ok: true },
        { name: 'database', ok: false, reason: '\u001b[2Jgone' },
      ],
    };
    expect(await ephemos(['health', '--address', service.address])).toMatchObject({
      code: 1,
      stdout: 'not ready: svid (the SVID expired), database ([2Jgone)\n',
      stderr: '',
    });
  });

  it('is one document for programs', async () => {
    await using service = await openPlaintextService();
    service.answers.probe = { ok: false, checks: [{ name: 'svid', ok: false, reason: 'the SVID expired' }] };
    const { code, stdout } = await ephemos(['health', '--address', service.address, '--format', 'json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      address: service.address,
      check: 'ready',
      protocol: 'http',
      ok: false,
      reachable: true,
      checks: [{ name: 'svid', ok: false, reason: 'the SVID expired' }],
      reason: 'svid (the SVID expired)',
    });
  });

  it('ends with 1 where nothing listens, and where the answer takes longer than it may', async () => {
    const gone = await openPlaintextService();
    await gone[Symbol.asyncDispose]();
    expect(await ephemos(['health', '--address', gone.address])).toMatchObject({
      code: 1,
      stdout: `not ready: no answer from ${gone.address}: connect ECONNREFUSED ${gone.address}\n`,
    });
    await using deaf = await openPlaintextService();
    deaf.answers.probe = undefined;
    expect(await ephemos(['health', '--address', deaf.address, '--timeout', '100ms'])).toMatchObject({
      code: 1,
      stdout: `not ready: no answer from ${deaf.address}: no answer within 0.1 s\n`,
    });
  });

  it('asks where the configuration says, and there every address means loopback', async () => {
    await using service = await openPlaintextService();
    await using directory = await openDirectory();
    const file = join(directory.path, 'config.yaml');
    for (const host of ['0.0.0.0', '', '127.0.0.1']) {
      await writeFile(file, configOf(`${host}:${service.port}`, '127.0.0.1:0'));
      expect(await ephemos(['health', '--config', file])).toMatchObject({ code: 0, stdout: 'ready\n' });
      expect(await ephemos(['health'], { env: { EPHEMOS_CONFIG_PATH: file } })).toMatchObject({ code: 0, stdout: 'ready\n' });
    }
  });

  it('ends with 3 when no configuration says where to ask', async () => {
    await using directory = await openDirectory();
    const file = join(directory.path, 'config.yaml');
    expect(await ephemos(['health', '--config', file])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/^error: .*config\.yaml: .*\n/),
    });
    await writeFile(file, configOf('127.0.0.1:0', '127.0.0.1:0'));
    expect(await ephemos(['health', '--config', file])).toMatchObject({
      code: 3,
      stderr:
        'error: health.address has port 0, so only the service knows which port it has\nhint: give the address as the log of the service shows it\n',
    });
  });

  it('asks a service that runs, over HTTP and over gRPC', async () => {
    await using agent = await openDevAgent({ trustDomain: 'prod.acme.com' });
    await using directory = await openDirectory();
    const file = join(directory.path, 'config.yaml');
    await writeFile(file, configOf('127.0.0.1:0', '127.0.0.1:0'));
    const service = await openService({
      path: file,
      socket: await agent.endpointFor('spiffe://prod.acme.com/orders'),
      env: {},
      ownsProcess: false,
      logDestination: { write: () => undefined },
    });
    service.http((_, response) => response.end());
    const { health } = await service.start();
    const address = `127.0.0.1:${health.port}`;
    for (const grpc of [[], ['--grpc']]) {
      for (const check of ['live', 'ready', 'startup']) {
        expect(await ephemos(['health', '--address', address, '--check', check, ...grpc])).toMatchObject({ code: 0 });
      }
    }
    service.health.drain();
    expect(await ephemos(['health', '--address', address])).toMatchObject({
      code: 1,
      stdout: 'not ready: draining (the process is shutting down)\n',
    });
    expect(await ephemos(['health', '--address', address, '--grpc'])).toMatchObject({ code: 1, stdout: 'not ready: NOT_SERVING\n' });
    await service.stop();
  });
});
