// What SIGTERM does: not ready, then goodbye to the clients, calls under way finish, and the exit code is 0.
import { once } from 'node:events';
import { request } from 'node:https';
import { Client } from '@grpc/grpc-js';
import { createAgent } from 'ephemos';
import { createChannelCredentials } from 'ephemos/grpc';
import { createHttp2Client } from 'ephemos/http2';
import { service as healthService } from 'grpc-health-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { says } from '../demo/program.js';
import { createEchoClient } from '../src/call.ts';
import { authorizeServer, openWorld, type World } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

test('an HTTP request whose body is still on its way is answered', async () => {
  const { program, port } = await world.startServer();
  const agent = createAgent({ source: await world.open('echo-client'), authorize: authorizeServer });
  const sent = request({ host: '127.0.0.1', port, path: '/echo', method: 'POST', agent, headers: { expect: '100-continue' } });
  sent.flushHeaders();
  await once(sent, 'continue');
  program.kill('SIGTERM');
  await program.line(says('draining'), 'draining');
  const responses = once(sent, 'response');
  sent.end('late');
  const [response] = await responses;
  expect(response).toMatchObject({ statusCode: 200 });
  expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  expect(program.lines(says('shut down'))).toMatchObject([{ clean: true }]);
});

test('a gRPC call whose message is still on its way is answered, and its connection gets a GOAWAY', async () => {
  const { program, address } = await world.startServer();
  const client = createHttp2Client(`https://${address}`, { source: await world.open('echo-client'), authorize: authorizeServer });
  const stream = await client.request(
    { ':method': 'POST', ':path': '/ephemos.echo.v1.Echo/Echo', 'content-type': 'application/grpc', te: 'trailers' },
    { endStream: false },
  );
  // A frame of 6 bytes: EchoRequest{ message: "late" }, of which the first 3 are sent before the signal.
  const frame = Buffer.from([0, 0, 0, 0, 6, 0x0a, 4, ...Buffer.from('late')]);
  const { session } = stream;
  if (session === undefined) throw new Error('the stream has no session');
  // The answer to a PING says that the server has seen the frame that was sent before it.
  stream.write(frame.subarray(0, 3));
  await new Promise((resolve) => session.ping(resolve));
  const goaway = once(session, 'goaway');
  const trailers = once(stream, 'trailers');
  program.kill('SIGTERM');
  await goaway;
  stream.end(frame.subarray(3));
  stream.resume();
  expect((await trailers)[0]).toMatchObject({ 'grpc-status': '0' });
  expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  await client.close();
});

test('under load no call is lost that reached the server', async () => {
  const { program, address } = await world.startServer();
  const source = await world.open('echo-client');
  const failures: string[] = [];
  let calls = 0;
  let ended = false;
  const callers = (['grpc', 'grpc', 'http', 'http', 'http', 'http'] as const).map(async (protocol) => {
    const client = createEchoClient[protocol]({ server: address, source, authorize: authorizeServer, timeout: 10_000 });
    while (!ended) {
      try {
        const { message } = await client.echo(String(calls));
        if (message !== '') calls += 1;
      } catch (error) {
        failures.push(textOf(error));
        break;
      }
    }
    await client[Symbol.asyncDispose]();
  });
  await expect.poll(() => calls, { timeout: 10_000 }).toBeGreaterThan(300);
  program.kill('SIGTERM');
  expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  ended = true;
  await Promise.all(callers);
  expect(program.lines(says('shut down'))).toMatchObject([{ clean: true }]);
  // Each caller ends where there is no listener any more. A connection that waits to be accepted in that instant is reset, and so is its
  // handshake: that call was never sent. The loss of a verified connection would say so (ERR_CONNECT_FAILED, 'closed … before it answered').
  expect(failures).toHaveLength(callers.length);
  expect(failures.filter((failure) => !/ECONNREFUSED|ECONNRESET/.test(failure) || failure.includes('ERR_CONNECT_FAILED'))).toEqual([]);
});

test('readiness ends at once, on both ways to ask, and a health watch does not hold the server', async () => {
  const { program, address, probe } = await world.startServer();
  const client = new Client(address, createChannelCredentials({ source: await world.open('echo-client'), authorize: authorizeServer }));
  const watch = healthService['Watch'];
  if (watch === undefined) throw new Error('the health service has no Watch');
  const call = client.makeServerStreamRequest(watch.path, watch.requestSerialize, watch.responseDeserialize, { service: '' });
  const said: unknown[] = [];
  call.on('data', (status) => said.push(status)).on('error', () => undefined);
  await once(call, 'data');
  const asked = program.line(says('not ready'), 'not ready').then(probe);
  program.kill('SIGTERM');
  const health = await asked;
  expect(health.code).toBe(1);
  // It may come when the probes are closed, or are being closed.
  expect(health.stderr).toMatch(/draining|ECONNREFUSED|ECONNRESET/);
  expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  expect(program.lines(says('shut down'))).toMatchObject([{ clean: true }]);
  expect(said).toEqual([{ status: 'SERVING' }, { status: 'NOT_SERVING' }]);
  client.close();
});

function textOf(error: unknown): string {
  const text: string[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) text.push(`${'code' in cause ? cause.code : ''} ${cause.message}`);
  return text.join(' <- ');
}
