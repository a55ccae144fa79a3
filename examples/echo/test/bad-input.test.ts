// Bad input to both programs: one line that names the file and the key, a hint, the exit code, and no stack.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../demo/program.js';
import { clientEnv, serverEnv } from './world.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'echo-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A configuration whose second line is good. */
const text = (clients: string, rest = ''): string =>
  `service:\n  name: echo-server\n  domain: example.org\n  authorized_clients: [${clients}]\n${rest}`;
const client = 'spiffe://example.org/echo-client';

/** What is wrong, the file, and what is said of it after its name. */
const files: readonly (readonly [string, string, string])[] = [
  ['an unknown key', text(client, 'lissten: {}\n'), ':5:1: lissten: there is no such key; did you mean listen?'],
  ['an unknown key of a section', text(client, 'listen:\n  adress: 127.0.0.1:0\n'), ':6:3: listen.adress: there is no such key'],
  ['a client that is a name', text('echo-client'), ':4:24: service.authorized_clients[0]: '],
  ['a client with a wild card', text('spiffe://example.org/*'), ':4:24: service.authorized_clients[0]: a SPIFFE ID has no wild cards'],
  ['a client that is a trust domain', text('spiffe://example.org'), ':4:24: service.authorized_clients[0]: '],
  ['no YAML', 'service: [\n', ':'],
];

/** One error, at most one hint, no stack. */
function expectMistake(exit: { code: number | null; stdout: string; stderr: string }, code: number, error: string, hint = ''): void {
  expect(exit, exit.stderr).toMatchObject({ code, stdout: '' });
  expect(exit.stderr).toMatch(/^error: .+\n(hint: .+\n)?$/);
  const [errorLine = '', hintLine = ''] = exit.stderr.split('\n');
  expect(errorLine).toContain(error);
  expect(hintLine).toContain(hint);
}

describe('a configuration with', () => {
  test.concurrent.each(files)('%s ends echo-server with 3', async (what, content, error) => {
    const file = join(folder, `${what.replaceAll(' ', '-')}.yaml`);
    await writeFile(file, content);
    expectMistake(await run('echo-server', ['serve'], { EPHEMOS_CONFIG_PATH: file }), 3, `${file}${error}`);
  });

  test.concurrent.each([
    ['echo-server', ['health']],
    ['echo-client', ['hi']],
  ] as const)('an unknown key ends %s %s with 3', async (program, args) => {
    const file = join(folder, `${program}-unknown.yaml`);
    await writeFile(file, text(client, 'lissten: {}\n'));
    expectMistake(await run(program, args, { EPHEMOS_CONFIG_PATH: file }), 3, `${file}:5:1: lissten: `);
  });
});

test('echo-client goes by trusted_servers, and trusts nobody without it', async () => {
  const file = join(folder, 'server.yaml');
  await writeFile(file, text(client));
  const exit = await run('echo-client', ['hi'], { EPHEMOS_CONFIG_PATH: file });
  expectMistake(exit, 3, `${file}: service.trusted_servers: this key is missing`, 'trusted_servers: [spiffe://example.org/echo-server]');
});

test('a file that is not there, a directory, and a file of somebody else are named', async () => {
  const missing = join(folder, 'missing.yaml');
  for (const args of [['serve'], ['health']]) {
    expectMistake(await run('echo-server', args, { EPHEMOS_CONFIG_PATH: missing }), 3, `${missing}: there is no such file`);
  }
  expectMistake(await run('echo-server', [], { EPHEMOS_CONFIG_PATH: folder }), 3, `${folder}: `);
  expectMistake(await run('echo-client', ['hi'], {}), 3, '/etc/ephemos/config.yaml: ');
  // Nothing is closed to root.
  if (process.getuid?.() === 0) return;
  const closed = join(folder, 'closed.yaml');
  await writeFile(closed, text(client));
  await chmod(closed, 0);
  expectMistake(await run('echo-server', [], { EPHEMOS_CONFIG_PATH: closed }), 3, `${closed}: `);
});

test('an endpoint that is wrong is named with the variable', async () => {
  for (const [program, env] of [
    ['echo-server', serverEnv],
    ['echo-client', clientEnv()],
  ] as const) {
    const args = program === 'echo-client' ? ['hi'] : [];
    const exit = await run(program, args, { ...env, SPIFFE_ENDPOINT_SOCKET: 'agent.sock' });
    expectMistake(exit, 3, 'SPIFFE_ENDPOINT_SOCKET: ');
  }
});

test('an endpoint that is missing is an error of the configuration, with what to set', async () => {
  const file = join(folder, 'no-endpoint.yaml');
  await writeFile(file, `service: { name: echo-client, domain: example.org, trusted_servers: [spiffe://example.org/echo-server] }\n`);
  const exit = await run('echo-client', ['hi'], { EPHEMOS_CONFIG_PATH: file });
  expectMistake(exit, 3, 'SPIFFE_ENDPOINT_SOCKET is not set', "set SPIFFE_ENDPOINT_SOCKET to the agent's socket");
});

test('a socket that is not there is named when the wait for an identity ends', async () => {
  const socket = join(folder, 'no.sock');
  const exit = await run('echo-client', ['hi', '--timeout', '1'], { ...clientEnv(), EPHEMOS_AGENT_SOCKET: socket });
  expectMistake(exit, 3, `unix://${socket}`, 'start the agent');
});

const usages: readonly (readonly [string, 'echo-server' | 'echo-client', readonly string[], string])[] = [
  ['an unknown command', 'echo-server', ['srve'], 'unknown command "srve"'],
  ['one word too many', 'echo-server', ['serve', 'now'], 'unexpected argument "now"'],
  ['no message', 'echo-client', [], 'there is no message'],
  ['two messages', 'echo-client', ['hello', 'world'], 'unexpected argument "world"'],
  ['an unknown option', 'echo-client', ['hi', '--sever', 'x:1'], '--sever'],
  ['an option without its value', 'echo-client', ['hi', '--server'], '--server'],
  ['an address without a port', 'echo-client', ['hi', '--server', 'localhost'], '--server localhost is no host:port'],
  ['an unknown protocol', 'echo-client', ['hi', '--protocol', 'soap'], '--protocol soap is neither grpc nor http'],
  ['a count of none', 'echo-client', ['hi', '--count', '0'], '--count 0 is no whole number'],
  ['a timeout that is no number', 'echo-client', ['hi', '--timeout', 'soon'], '--timeout soon is no whole number'],
];

describe('a command line with', () => {
  test.concurrent.each(usages)('%s ends with 2', async (_what, program, args, error) => {
    expectMistake(await run(program, args, {}), 2, error, `usage: ${program}`);
  });
});

test('--help shows the usage and ends with 0', async () => {
  for (const program of ['echo-server', 'echo-client'] as const) {
    const exit = await run(program, ['--help'], {});
    expect(exit, exit.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(exit.stdout).toMatch(new RegExp(`^usage: ${program} `));
  }
});
