// Who does not get in: each caller is refused before a handler runs, the server says why, and the client gets a line that helps.
import { once } from 'node:events';
import { type ConnectionOptions, connect } from 'node:tls';
import { createTestAuthority } from '@ephemos/dev';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denies, run } from '../demo/program.js';
import { clientEnv, domain, openWorld, type RunningServer, type World } from './world.ts';

let world: World;
let server: RunningServer;

beforeAll(async () => {
  world = await openWorld();
  server = await world.startServer();
});
afterAll(() => world.close());

/** Exactly one error and one hint, and no stack. */
const twoLines = /^error: .+\nhint: .+\n$/;

describe.each(['grpc', 'http'])('over %s', (protocol) => {
  test('a caller with another identity is refused, and told that the server may not authorize it', async () => {
    const before = server.program.lines(denies).length;
    const exit = await world.echo('stranger', ['hi', '--server', server.address, '--protocol', protocol]);
    expect(exit, exit.stderr).toMatchObject({ code: 4, stdout: '' });
    expect(exit.stderr).toMatch(twoLines);
    expect(exit.stderr).toContain(`${domain}/echo-server closed the connection before it answered`);
    expect(exit.stderr).toContain(`hint: it may not authorize ${domain}/stranger`);
    expect(await server.program.line(denies, 'an audit line', before)).toMatchObject({
      gate: 'connection',
      peer: `${domain}/stranger`,
      reason: 'no_rule_for_peer',
      address: '127.0.0.1',
    });
  });

  test('a server with another identity is refused by the client', async () => {
    const exit = await world.echo('echo-client', ['hi', '--server', server.address, '--protocol', protocol], 'another-server');
    expect(exit, exit.stderr).toMatchObject({ code: 4, stdout: '' });
    expect(exit.stderr).toMatch(twoLines);
    expect(exit.stderr).toContain(`error: the authorizer does not admit ${domain}/echo-server\n`);
  });

  test('a caller without an identity is told so, with the command that mends it', async () => {
    const endpoint = await world.agent.endpointFor(`${domain}/nobody`);
    await world.agent.remove(`${domain}/nobody`);
    const exit = await run('echo-client', ['hi', '--server', server.address, '--protocol', protocol, '--timeout', '1'], {
      ...clientEnv('nobody'),
      SPIFFE_ENDPOINT_SOCKET: endpoint,
    });
    expect(exit, exit.stderr).toMatchObject({ code: 4, stdout: '' });
    expect(exit.stderr).toMatch(/^(waiting: .+\n)?error: .+\nhint: .+\n$/);
    expect(exit.stderr).toContain('no identity within 1 s: ');
    expect(exit.stderr).toMatch(/^hint: .*spire-server entry create/m);
  });
});

describe('the server refuses before it reads a byte', () => {
  async function refusedWith(options: ConnectionOptions): Promise<unknown> {
    const before = server.program.lines(denies).length;
    const socket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], ...options });
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', () => undefined);
    socket.write('GET /echo?message=hi HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket, 'close');
    expect(answer).toBe('');
    return server.program.line(denies, 'an audit line', before);
  }

  test('a caller with no certificate', async () => {
    expect(await refusedWith({})).toMatchObject({ reason: 'ERR_PEER_CERTIFICATE_MISSING' });
  });

  test('a caller from a foreign CA that claims our trust domain', async () => {
    const foreign = createTestAuthority('example.org');
    const { chain, privateKey } = await foreign.issueX509Svid(`${domain}/echo-client`);
    const cert = chain
      .map((der) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`)
      .join('');
    const key = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(privateKey).toString('base64')}\n-----END PRIVATE KEY-----\n`;
    expect(await refusedWith({ cert, key })).toMatchObject({ reason: 'ERR_PEER_AUTHORITY_UNKNOWN' });
  });
});

test('an identity that the configuration does not name is not used', async () => {
  const endpoint = await world.agent.endpointFor(`${domain}/someone-else`);
  const env = { ...clientEnv(), SPIFFE_ENDPOINT_SOCKET: endpoint };
  const exit = await run('echo-client', ['hi', '--server', server.address, '--timeout', '1'], env);
  expect(exit, exit.stderr).toMatchObject({ code: 4, stdout: '' });
  expect(exit.stderr).toMatch(twoLines);
  expect(exit.stderr).toContain(`hint: there are: ${domain}/someone-else`);
});

test('nobody at the address is a failure, not a refusal', async () => {
  const { program, address } = await world.startServer();
  program.kill('SIGKILL');
  await program.exited;
  for (const protocol of ['grpc', 'http']) {
    const exit = await world.echo('echo-client', ['hi', '--server', address, '--protocol', protocol]);
    expect(exit, exit.stderr).toMatchObject({ code: 1, stdout: '' });
    expect(exit.stderr).toMatch(twoLines);
    expect(exit.stderr).toContain('ECONNREFUSED');
  }
});
