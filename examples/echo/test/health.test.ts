// What a container runtime learns from `echo-server health`: 0 when the server is ready, 1 when it is not, in less than its timeout of 5 s.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Exit, run, start } from '../demo/program.js';
import { domain, openWorld, serverConfig, type World } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server does not listen');
  return address.port;
}

async function listen(): Promise<Server> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function freePort(): Promise<number> {
  const server = await listen();
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

function expectNotReady(exit: Exit, reason: string): void {
  expect(exit).toMatchObject({ code: 1, stdout: '' });
  expect(exit.stderr).toMatch(/^error: .+\nhint: .+\n$/);
  expect(exit.stderr).toContain(reason);
}

test('a server that serves is ready', async () => {
  const { healthEnv } = await world.startServer();
  expect(await run('echo-server', ['health'], healthEnv)).toMatchObject({ code: 0, stdout: 'ready\n', stderr: '' });
});

test('no server is not ready', async () => {
  const port = await freePort();
  expectNotReady(await run('echo-server', ['health'], await world.config(serverConfig(`127.0.0.1:${port}`))), 'ECONNREFUSED');
});

test('a server without an identity is not ready, ends at once on SIGTERM, and needs no identity to say so', async () => {
  const endpoint = await world.agent.endpointFor(`${domain}/echo-server`);
  await world.agent.remove(`${domain}/echo-server`);
  const env = await world.config(serverConfig(`127.0.0.1:${await freePort()}`));
  const server = start('echo-server', ['serve'], { ...env, SPIFFE_ENDPOINT_SOCKET: endpoint });
  expect(await server.event('waiting')).toMatchObject({ code: 'ERR_WORKLOAD_API_PERMISSION_DENIED' });
  expectNotReady(await run('echo-server', ['health'], env), 'waiting for an identity');
  server.kill('SIGTERM');
  expect(await server.exited).toMatchObject({ code: 0, stderr: '' });
});

test('a server whose identity was withdrawn is not ready', async () => {
  const { program, healthEnv } = await world.startServer();
  await world.agent.remove(`${domain}/echo-server`);
  await expect.poll(async () => (await run('echo-server', ['health'], healthEnv)).stderr, { timeout: 10_000 }).toContain('withdrawn');
  program.kill('SIGTERM');
  expect(await program.exited).toMatchObject({ code: 0 });
});

test('a server that hangs is not ready, within 5 s', async () => {
  const deaf = await listen();
  const began = performance.now();
  const exit = await run('echo-server', ['health'], await world.config(serverConfig(`127.0.0.1:${portOf(deaf)}`)));
  expectNotReady(exit, 'no answer within 3 s');
  expect(performance.now() - began).toBeLessThan(5_000);
  deaf.close();
});

test('a health address that is taken ends the server with the reason', async () => {
  const other = await listen();
  const env = await world.config(serverConfig(`127.0.0.1:${portOf(other)}`));
  const exit = await run('echo-server', ['serve'], {
    ...env,
    SPIFFE_ENDPOINT_SOCKET: await world.agent.endpointFor(`${domain}/echo-server`),
  });
  expect(exit).toMatchObject({ code: 1, stdout: '' });
  expect(exit.stderr).toMatch(/^error: .*EADDRINUSE.*\nhint: change listen or health\.address in the configuration\n$/);
  other.close();
});
