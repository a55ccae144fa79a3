// What a container runtime learns from `echo-server health`: 0 when the server is ready, 1 and the failing check when it is not.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Exit, run, says, start } from '../demo/program.js';
import { domain, openWorld, serverEnv, type World } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

function expectNotReady(exit: Exit, reason: string): void {
  expect(exit, exit.stderr).toMatchObject({ code: 1, stdout: '' });
  expect(exit.stderr).toMatch(/^error: echo-server is not ready: .+\nhint: .+\n$/);
  expect(exit.stderr).toContain(reason);
}

test('a server that serves is ready', async () => {
  const server = await world.startServer();
  expect(await server.probe()).toMatchObject({ code: 0, stdout: 'ready\n', stderr: '' });
});

test('no server is not ready', async () => {
  // Nothing listens on the first port.
  expectNotReady(await run('echo-server', ['health'], { ...serverEnv, EPHEMOS_HEALTH_ADDRESS: '127.0.0.1:1' }), 'ECONNREFUSED');
});

test('a server without an identity is not ready, and the probe needs no identity to say so', async () => {
  const endpoint = await world.agent.endpointFor(`${domain}/echo-server`);
  await world.agent.remove(`${domain}/echo-server`);
  const server = start('echo-server', ['serve'], { ...serverEnv, SPIFFE_ENDPOINT_SOCKET: endpoint });
  expect(await server.line(says('waiting for an identity'), 'waiting')).toMatchObject({
    err: { code: 'ERR_WORKLOAD_API_PERMISSION_DENIED' },
  });
  const { health } = await server.line(says('starting'), 'starting');
  const exit = await run('echo-server', ['health'], { ...serverEnv, EPHEMOS_HEALTH_ADDRESS: String(health) });
  expectNotReady(exit, 'svid (waiting for an identity: ');
});

test('a server whose identity was withdrawn is not ready until it is back', async () => {
  const { program, probe } = await world.startServer();
  await world.agent.remove(`${domain}/echo-server`);
  expect(await program.line(says('not ready'), 'not ready')).toMatchObject({ failing: ['svid'] });
  expectNotReady(await probe(), 'svid (the Workload API has withdrawn this identity)');
  await world.agent.register({ id: `${domain}/echo-server` });
  await program.line(says('ready'), 'ready again', 1);
  expect(await probe()).toMatchObject({ code: 0 });
});
