// The demo: two Node.js services that know each other only by SPIFFE identity, on one machine. Read `story` from top to bottom.
// The server and its callers are programs of their own (../src); their identities come from a development agent in this process.
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestAuthority, openDevAgent } from '@ephemos/dev';
import { openX509Source } from 'ephemos';
import { inTime } from './in-time.js';
import { knock } from './knock.js';
import { killAll, run, start } from './program.js';
import { rotateUnderLoad } from './rotate.js';
import { createScreen } from './screen.js';
import { withdraw } from './withdraw.js';

const domain = 'spiffe://example.org';
const ids = { server: `${domain}/echo-server`, client: `${domain}/echo-client`, stranger: `${domain}/stranger` };
const protocols = /** @type {const} */ ({ gRPC: 'grpc', HTTP: 'http' });
/** How long an SVID lives: in production an hour, here so short that you see it rotate. */
const svidTtlSeconds = 10;

const screen = createScreen(process.stdout);
const folder = mkdtempSync(join(tmpdir(), 'ephemos-'));

async function story() {
  // The agent hands out identities; in production this is SPIRE. Here each identity has a socket of its own.
  const agent = await screen.step(`development agent: trust domain example.org, certificates that live ${svidTtlSeconds} s`, () =>
    openDevAgent({ trustDomain: 'example.org', directory: join(folder, 'a'), svidTtlSeconds }),
  );
  const as = async (/** @type {string} */ id) => ({ SPIFFE_ENDPOINT_SOCKET: await agent.endpointFor(id) });

  // The server: gRPC and HTTP on one port, and a configuration that names who may call.
  const server = start('echo-server', ['serve'], {
    ...configOf(ids.server, `authorized_clients: [${ids.client}]`),
    ...(await as(ids.server)),
  });
  const address = await screen.step('echo-server', async (show) => {
    const listening = await inTime(server.event('listening'), 'echo-server did not start');
    show(`echo-server on ${listening['address']}, as ${listening['id']}`);
    return String(listening['address']);
  });
  const echo = async (/** @type {string} */ id, /** @type {'grpc' | 'http'} */ protocol, trusted = ids.server) => {
    const env = { ...configOf(id, `trusted_servers: [${trusted}]`), ...(await as(id)) };
    return inTime(run('echo-client', ['hello', '--server', address, '--protocol', protocol], env), 'echo-client did not end');
  };

  // The client that the server authorizes.
  for (const [name, protocol] of Object.entries(protocols)) {
    await screen.step(`echo-client hello, over ${name}`, async (show) => {
      const { code, stdout, stderr } = await echo(ids.client, protocol);
      assert.equal(code, 0, `echo-client over ${name} ended with ${code}: ${stderr}`);
      assert.equal(stdout, `hello  (the server knows us as ${ids.client})\n`);
      show(`over ${name}: ${stdout.trim()}`);
    });
    screen.note(`allowed client over ${name}`, 'echoed', `as ${ids.client}`);
  }

  // Those who are refused. The server writes the reason into its log; on the caller it only closes.
  const refused = (/** @type {string} */ who, /** @type {string} */ code, /** @type {() => Promise<void>} */ attempt) =>
    screen.step(who, async (show) => {
      const before = server.events('refused').length;
      await attempt();
      const refusal = await inTime(server.event('refused', before), `${who}: the server did not say that it refused`);
      assert.equal(refusal['code'], code, `${who}: refused for another reason: ${refusal['reason']}`);
      show(`${who.split(',')[0]}: ${refusal['reason']}`);
      screen.note(who, 'refused', code);
    });
  for (const [name, protocol] of Object.entries(protocols)) {
    await refused(`wrong identity over ${name}`, 'ERR_PEER_UNAUTHORIZED', async () => {
      const { code, stdout } = await echo(ids.stranger, protocol);
      assert.equal(code, 4, `a stranger got an answer over ${name}: exit ${code}, ${stdout}`);
    });
  }
  await refused('no certificate', 'ERR_PEER_CERTIFICATE_MISSING', async () => {
    assert.equal(await inTime(knock(address), 'the connection was not closed'), '', 'a caller without a certificate got an answer');
  });
  await refused('foreign CA, claims our domain', 'ERR_PEER_AUTHORITY_UNKNOWN', async () => {
    const forged = await createTestAuthority('example.org').issueX509Svid(ids.client);
    assert.equal(await inTime(knock(address, forged), 'the connection was not closed'), '', 'a forged certificate got an answer');
  });
  await screen.step('a client that expects another server', async (show) => {
    const { code, stderr } = await echo(ids.client, 'grpc', `${domain}/another-server`);
    assert.equal(code, 4, `the client talked to the wrong server: exit ${code}`);
    assert.match(stderr, /ERR_PEER_UNAUTHORIZED/);
    show(`wrong server: ${/^error: (.*) \(/.exec(stderr)?.[1]}`);
    screen.note('wrong server, by the client', 'refused', 'ERR_PEER_UNAUTHORIZED');
  });

  // From here on this process is the client.
  const source = await openX509Source({ endpoint: await agent.endpointFor(ids.client) });
  const target = { source, address, expected: ids.server };
  await rotateUnderLoad(screen, target);
  await withdraw(screen, { ...target, remove: () => agent.remove(ids.client) });

  await screen.step('SIGTERM: the server stops taking calls, finishes those under way and ends', async () => {
    const began = performance.now();
    server.kill('SIGTERM');
    const { code, stderr } = await inTime(server.exited, 'the server did not end');
    assert.equal(code, 0, `the server ended with ${code}: ${stderr}`);
    screen.note('SIGTERM', 'drained', `exit 0 after ${((performance.now() - began) / 1000).toFixed(1)} s`);
  });
  await source.close();
  await agent.close();
}

/**
 * Writes a configuration file; returns the environment that names it.
 * @param {string} id
 * @param {string} peers
 */
function configOf(id, peers) {
  const [, , trustDomain, name] = id.split('/');
  const file = join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    `service: { name: ${name}, domain: ${trustDomain}, ${peers} }\nlisten: 127.0.0.1:0\nhealth: { address: "127.0.0.1:0" }\n`,
  );
  return { EPHEMOS_CONFIG_PATH: file };
}

// However the demo ends, also after Ctrl-C, no process and no file stays behind.
process.on('exit', () => {
  screen.close();
  killAll();
  rmSync(folder, { recursive: true, force: true });
});
for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) process.on(signal, () => process.exit(128 + number));

const began = performance.now();
screen.title('Two Node.js services that prove who they are: no API keys, no passwords');
story().then(
  () => {
    screen.summary(
      `All of it as it should be, in ${((performance.now() - began) / 1000).toFixed(0)} s. How it is done: examples/echo/demo/run.js`,
    );
    process.exit(0);
  },
  (/** @type {unknown} */ error) => {
    // Of a failed assertion the lines after the first one show the two values.
    screen.failure(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
    process.exit(1);
  },
);
