// Bad input to both programs: one line that names the file and the key, a hint, the exit code, and no stack.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../demo/program.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'echo-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

const name = 'name: echo-server';
const domain = 'domain: example.org';
const clients = 'authorized_clients: [spiffe://example.org/echo-client]';

const freeHealth = 'health: { address: "127.0.0.1:0" }';

/** A good server configuration, or one with another service section or more behind it. */
function text({ service = [name, domain, clients], rest = [] }: { service?: readonly string[]; rest?: readonly string[] }): string {
  return ['service:', ...service.map((line) => `  ${line}`), ...rest, ''].join('\n');
}

/** What is wrong, the file, what the error says after the name of the file, and what the hint says. */
const files: readonly (readonly [string, string, string, string])[] = [
  ['an unknown key', text({ rest: ['lissten: 127.0.0.1:0'] }), 'lissten is not a known key', 'service, agent, listen, health'],
  [
    'an unknown key of a section',
    text({ service: [name, domain, clients, 'clients: []'] }),
    'service.clients is not a known key',
    'authorized_clients',
  ],
  ['an empty file', '', 'the file must be a mapping', 'service, agent, listen, health'],
  ['a file that is a list', '- a\n', 'the file must be a mapping', 'service'],
  ['no YAML', 'service: [\n', 'is not YAML: ', 'look at that place'],
  [
    'a key that stands twice',
    text({ rest: ['listen: 127.0.0.1:1', 'listen: 127.0.0.1:2'] }),
    'is not YAML: Map keys must be unique',
    'look',
  ],
  ['a section that is text', 'service: echo\n', 'service must be a mapping', 'name, domain'],
  ['no name', text({ service: [domain, clients] }), 'service.name is missing', 'name: echo-server'],
  ['a name that is a number', text({ service: ['name: 7', domain, clients] }), 'service.name must be text', 'name: echo-server'],
  [
    'a name that makes no SPIFFE ID',
    text({ service: ['name: echo server', domain, clients] }),
    'service.name makes no SPIFFE ID of "spiffe://example.org/echo server"',
    '',
  ],
  ['no domain', text({ service: [name, clients] }), 'service.domain is missing', 'domain: example.org'],
  [
    'a domain in capitals',
    text({ service: [name, 'domain: Example.org', clients] }),
    'service.domain makes no SPIFFE ID',
    'spiffe://example.org',
  ],
  [
    'a domain with a path',
    text({ service: [name, 'domain: example.org/web', clients] }),
    'service.domain is more than a trust domain',
    'domain: example.org',
  ],
  ['no authorized clients', text({ service: [name, domain] }), 'service.authorized_clients is missing', 'spiffe://example.org/echo-client'],
  [
    'an empty list of clients',
    text({ service: [name, domain, 'authorized_clients: []'] }),
    'service.authorized_clients is empty',
    'spiffe://example.org/echo-client',
  ],
  [
    'clients that are text',
    text({ service: [name, domain, 'authorized_clients: spiffe://example.org/a'] }),
    'service.authorized_clients must be a list',
    '',
  ],
  [
    'a client that is a number',
    text({ service: [name, domain, 'authorized_clients: [7]'] }),
    'service.authorized_clients[0] must be text',
    '',
  ],
  [
    'a client that is a name',
    text({ service: [name, domain, 'authorized_clients: [spiffe://example.org/a, echo-client]'] }),
    'service.authorized_clients[1] makes no SPIFFE ID of "echo-client"',
    'spiffe://',
  ],
  [
    'a client with a wildcard',
    text({ service: [name, domain, 'authorized_clients: ["spiffe://example.org/*"]'] }),
    'service.authorized_clients[0] makes no SPIFFE ID',
    '',
  ],
  [
    'a client that is a trust domain',
    text({ service: [name, domain, 'authorized_clients: [spiffe://example.org]'] }),
    'service.authorized_clients[0] (spiffe://example.org) names a whole trust domain',
    'one workload',
  ],
  ['an address without a port', text({ rest: ['listen: 127.0.0.1'] }), 'listen ("127.0.0.1") is no host and port', 'listen: 0.0.0.0:8080'],
  ['a port that is too large', text({ rest: ['listen: 127.0.0.1:65536'] }), 'listen ("127.0.0.1:65536") is no host and port', ''],
  ['a port alone', text({ rest: ['listen: 8080'] }), 'listen must be text', 'listen: 0.0.0.0:8080'],
  [
    'health for everybody',
    text({ rest: ['health: { address: "0.0.0.0:8082" }'] }),
    'health.address (0.0.0.0) is no loopback address',
    '127.0.0.1:8082',
  ],
  [
    'a socket path that is relative',
    text({ rest: ['agent: { socketPath: agent.sock }', freeHealth] }),
    'agent.socketPath: the Workload API endpoint "agent.sock" has no scheme',
    'unix:///',
  ],
  [
    'a socket path that is too long',
    text({ rest: [`agent: { socketPath: /${'x'.repeat(120)} }`, freeHealth] }),
    'agent.socketPath: the Workload API endpoint',
    '',
  ],
];

/** One error, one hint, no stack. */
function expectMistake(exit: { code: number | null; stdout: string; stderr: string }, code: number, error: string, hint: string): void {
  expect(exit).toMatchObject({ code, stdout: '' });
  expect(exit.stderr).toMatch(/^error: .+\nhint: .+\n$/);
  const [errorLine = '', hintLine = ''] = exit.stderr.split('\n');
  expect(errorLine).toContain(error);
  expect(hintLine).toContain(hint);
}

describe('a configuration with', () => {
  test.concurrent.each(files)('%s ends echo-server with 3', async (what, content, error, hint) => {
    const file = join(folder, `${what.replaceAll(' ', '-')}.yaml`);
    await writeFile(file, content);
    expectMistake(await run('echo-server', ['serve'], { EPHEMOS_CONFIG_PATH: file }), 3, `${file}: ${error}`, hint);
  });
});

test('echo-client goes by trusted_servers and echo-server by authorized_clients', async () => {
  const file = join(folder, 'server.yaml');
  await writeFile(file, text({}));
  const exit = await run('echo-client', ['hi'], { EPHEMOS_CONFIG_PATH: file });
  expectMistake(exit, 3, `${file}: service.trusted_servers is missing`, 'trusted_servers: [spiffe://example.org/echo-server]');
});

test('a file that is not there, a directory, and a file of somebody else are named', async () => {
  const missing = join(folder, 'missing.yaml');
  for (const args of [['serve'], ['health']]) {
    expectMistake(
      await run('echo-server', args, { EPHEMOS_CONFIG_PATH: missing }),
      3,
      `${missing}: cannot be read: there is no such file`,
      'EPHEMOS_CONFIG_PATH',
    );
  }
  expectMistake(await run('echo-server', [], { EPHEMOS_CONFIG_PATH: folder }), 3, `${folder}: cannot be read: it is a directory`, '');
  expectMistake(await run('echo-client', ['hi'], {}), 3, '/etc/ephemos/config.yaml: cannot be read', 'EPHEMOS_CONFIG_PATH');
  // Nothing is closed to root.
  if (process.getuid?.() === 0) return;
  const closed = join(folder, 'closed.yaml');
  await writeFile(closed, text({}));
  await chmod(closed, 0);
  expectMistake(
    await run('echo-server', [], { EPHEMOS_CONFIG_PATH: closed }),
    3,
    `${closed}: cannot be read: this user may not read it`,
    '',
  );
});

test('an endpoint that is missing or wrong is named with the variable', async () => {
  const file = join(folder, 'endpoint.yaml');
  await writeFile(file, text({ rest: [freeHealth, 'listen: 127.0.0.1:0'] }));
  const env = { EPHEMOS_CONFIG_PATH: file };
  expectMistake(await run('echo-server', [], env), 3, 'SPIFFE_ENDPOINT_SOCKET is not set', `agent.socketPath in ${file}`);
  const wrong = { ...env, SPIFFE_ENDPOINT_SOCKET: '/run/agent.sock' };
  expectMistake(await run('echo-server', [], wrong), 3, 'SPIFFE_ENDPOINT_SOCKET: ', 'unix:///run/agent.sock');
});

test('a socket that is not there is named when the wait for an identity ends', async () => {
  const file = join(folder, 'client.yaml');
  const socket = join(folder, 'no.sock');
  const client = ['name: echo-client', domain, 'trusted_servers: [spiffe://example.org/echo-server]'];
  await writeFile(file, text({ service: client, rest: [`agent: { socketPath: ${socket} }`] }));
  const exit = await run('echo-client', ['hi', '--timeout', '1'], { EPHEMOS_CONFIG_PATH: file });
  expectMistake(exit, 4, `unix://${socket}`, 'start the agent');
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
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(exit.stdout).toMatch(new RegExp(`^usage: ${program} `));
  }
});
