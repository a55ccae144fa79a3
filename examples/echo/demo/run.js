// The demo: two Node.js services that know each other only by SPIFFE identity, on one machine. Read `story` from top to bottom.
// The server and its callers are programs of their own (../src); their identities come from a development agent in this process.
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTestAuthority, openDevAgent } from '@ephemos/dev';
import { openX509Source } from 'ephemos';
import { drainUnderLoad } from './drain.js';
import { inTime } from './in-time.js';
import { knock } from './knock.js';
import { compare, scrape } from './metrics.js';
import { denies, killAll, run, says, start } from './program.js';
import { loseReadiness } from './readiness.js';
import { rotateUnderLoad } from './rotate.js';
import { createScreen } from './screen.js';
import { withdraw } from './withdraw.js';

const domain = 'spiffe://example.org';
const ids = { server: `${domain}/echo-server`, client: `${domain}/echo-client`, stranger: `${domain}/stranger` };
const protocols = /** @type {const} */ ({ gRPC: 'grpc', HTTP: 'http' });
const configFile = (/** @type {string} */ name) => ({
  EPHEMOS_CONFIG_PATH: fileURLToPath(new URL(`../config/${name}.yaml`, import.meta.url)),
});
/** The configuration files of the example, and what is different on a machine where ports may be taken. */
const environments = {
  client: configFile('echo-client'),
  server: {
    ...configFile('echo-server'),
    EPHEMOS_BIND_ADDRESS: '127.0.0.1:0',
    EPHEMOS_HEALTH_ADDRESS: '127.0.0.1:0',
    EPHEMOS_METRICS_ADDRESS: '127.0.0.1:0',
    EPHEMOS_SHUTDOWN_DRAIN_DELAY: '1s',
  },
};
/** How long an SVID lives: in production an hour, here so short that you see it rotate. */
const svidTtlSeconds = 8;

const screen = createScreen(process.stdout);
const folder = mkdtempSync(join(tmpdir(), 'ephemos-'));

async function story() {
  // The agent hands out identities; in production this is SPIRE. Here each identity has a socket of its own.
  const agent = await screen.step(`development agent: trust domain example.org, certificates that live ${svidTtlSeconds} s`, () =>
    openDevAgent({ trustDomain: 'example.org', directory: join(folder, 'a'), svidTtlSeconds }),
  );
  const as = async (/** @type {string} */ id) => ({ SPIFFE_ENDPOINT_SOCKET: await agent.endpointFor(id) });

  // The server: gRPC and HTTP on one port, and a configuration that names who may call (../config/echo-server.yaml).
  const serverEnv = { ...environments.server, ...(await as(ids.server)) };
  const server = start('echo-server', ['serve'], serverEnv);
  const {
    listen: address,
    health,
    metrics,
  } = await screen.step('echo-server', async (show) => {
    const { listen, ...plain } = await inTime(server.line(says('listening'), 'listening'), 'echo-server did not start');
    show(`echo-server on ${listen}, probes on ${plain['health']}, metrics on ${plain['metrics']}`);
    return { listen: String(listen), health: String(plain['health']), metrics: String(plain['metrics']) };
  });
  const before = await scrape(metrics);
  const echo = async (/** @type {string} */ id, /** @type {'grpc' | 'http'} */ protocol, trusted = ids.server) => {
    const own = { EPHEMOS_SERVICE_NAME: id.slice(`${domain}/`.length), EPHEMOS_TRUSTED_SERVERS: trusted };
    const env = { ...environments.client, ...own, ...(await as(id)) };
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

  // Those who are refused. The server writes the reason into its log, one audit line each; on the caller it only closes.
  const refused = async (/** @type {string} */ who, /** @type {string} */ reason, /** @type {() => Promise<void>} */ attempt) => {
    const audit = await screen.step(who, async (show) => {
      const before = server.lines(denies).length;
      await attempt();
      const line = await inTime(server.line(denies, 'an audit line', before), `${who}: the server did not say that it refused`);
      assert.equal(line['reason'], reason, `${who}: refused for another reason: ${line['reason']}`);
      show(`${who}: refused, and this is its audit line:`);
      screen.note(who, 'refused', reason);
      return line;
    });
    screen.detail(JSON.stringify(audit, ['audit', 'peer', 'reason']));
  };
  for (const [name, protocol] of Object.entries(protocols)) {
    await refused(`wrong identity over ${name}`, 'no_rule_for_peer', async () => {
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
    assert.equal(stderr.split('\n')[0], `error: the authorizer does not admit ${ids.server}`);
    show(`wrong server: ${stderr.split('\n')[0]?.slice('error: '.length)}`);
    screen.note('wrong server, by the client', 'refused', 'the authorizer does not admit it');
  });

  // From here on this process is the client.
  const source = await openX509Source({ endpoint: await agent.endpointFor(ids.client) });
  const target = { source, address, expected: ids.server };
  const rights = (/** @type {string} */ id) => ({ remove: () => agent.remove(id), restore: () => agent.register({ id }) });
  await rotateUnderLoad(screen, target);

  // What the server counted in the meantime.
  const after = await screen.step('metrics of echo-server, at the start and now', () => scrape(metrics));
  compare(screen, before, after);
  screen.note('metrics', 'counted', 'rotations, handshakes, denials, calls');

  const probe = () => inTime(run('echo-server', ['health'], { ...serverEnv, EPHEMOS_HEALTH_ADDRESS: health }), 'the probe did not end');
  await loseReadiness(screen, { server, probe, ...rights(ids.server) });
  await withdraw(screen, { ...target, ...rights(ids.client) });
  await drainUnderLoad(screen, { ...target, server, health });
  await source.close();
  await agent.close();
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
