// `ephemos deploy ca` with a real SPIRE: its server starts from what the command made, and goes on with what the command renews, under load.
import { strict as assert } from 'node:assert';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServers, createSpireAgent, machine, placed, writeDeployment } from '../../spire/deployment/deployment.js';
import { createDeploymentWorld } from '../../spire/deployment/world.js';
import { ids } from '../../spire/echo-pair.js';
import { openLoad } from '../../spire/load-run.js';
import { checkout } from '../../spire/room.js';
import { createSuite } from '../../spire/suite.js';

/** @typedef {import('../../spire/room.js').SpireRoom} SpireRoom */

const domain = 'example.org';
/** Seconds that SVIDs live. */
const ttl = 20;
/** Half of a life with its backdating, a tenth more, two looks for changes, and room for a busy machine. */
const renewedWithin = 60_000;

/** @type {readonly (import('../../spire/run-cases.js').Case & { run: (room: SpireRoom) => Promise<string> })[]} */
export const caCases = [
  {
    name: 'renewal',
    rule: 'a server starts from what `deploy ca init` made; `deploy ca renew` under load: its next authority is below the new one, no call fails, one root',
    run: renewal,
  },
];

/** @param {SpireRoom} room */
async function renewal(room) {
  const folder = join(room.folder, 'renewal');
  mkdirSync(folder, { mode: 0o755 });
  const [vault, upstream, node] = [join(folder, 'vault'), join(folder, 'upstream'), join(folder, 'node')];
  const ephemos = async (/** @type {readonly string[]} */ words) => {
    const { code, stdout, stderr } = await room.programs.run('ephemos', process.execPath, [
      join(checkout, 'packages/cli/dist/main.js'),
      'deploy',
      'ca',
      ...words,
      '--format',
      'json',
    ]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  await ephemos(['init', '--domain', domain, '--offline', vault, '--out', upstream]);
  await ephemos(['machine', machine, '--offline', vault, '--out', node]);
  const rootKey = readFileSync(join(vault, 'root.key'), 'utf8');

  // The deployment `host`, with its keys replaced by those of the command, as SPIRE reads them: where they are made.
  const spire = await placed('host', folder, {
    domain,
    upstream: { certificate: join(upstream, 'tls.crt'), key: join(upstream, 'tls.key'), roots: join(upstream, 'ca.crt') },
    nodes: { kind: 'x509pop', authority: join(node, 'nodes.crt'), certificate: join(node, 'node.crt'), key: join(node, 'node.key') },
  });
  const made = new Map(
    [...Object.values(spire.upstream ?? {}), join(node, 'nodes.crt'), join(node, 'node.crt'), join(node, 'node.key')].map((path) => [
      path,
      readFileSync(path),
    ]),
  );
  const deployment = await writeDeployment(spire, folder);
  for (const [path, text] of made) writeFileSync(path, text);
  if (spire.bundle.kind !== 'file') throw new TypeError('the bundle of a host is a file');
  writeFileSync(spire.bundle.path, readFileSync(join(upstream, 'ca.crt')));

  const servers = createServers(deployment, room);
  const [server] = servers;
  if (server === undefined) throw new TypeError('there is one server');
  await server.daemon.start();
  const agent = createSpireAgent(deployment, room);
  await agent.start();
  const about = `SPIRE ${room.spire.version}, below an authority of "ephemos deploy ca"`;
  const suite = createSuite(room, createDeploymentWorld({ about, running: { deployment, servers, agent }, ttl }));
  for (const id of [ids.server, ids.client]) await suite.world.register(id);
  const config = suite.write(
    'echo-server.yaml',
    `service: { name: echo-server, domain: ${domain}, authorized_clients: [${ids.client}] }
listen: { address: "127.0.0.1:0" }
health: { address: "127.0.0.1:0" }
metrics: { address: "127.0.0.1:0" }
`,
  );
  const echo = suite.startNode('echo-server', 'examples/echo/dist/echo-server.js', ['serve'], {
    as: await suite.world.as(ids.server),
    env: { EPHEMOS_CONFIG_PATH: config },
  });
  const line = await echo.line((each) => each.includes('"msg":"listening"'), { timeout: 60_000, what: 'listening line' });
  const load = await openLoad({ suite, as: ids.client, server: String(JSON.parse(line).listen), peer: ids.server });

  const json = async (/** @type {readonly string[]} */ words) => JSON.parse(await server.cli([...words, '-output', 'json']));
  const active = async () => (await json(['localauthority', 'x509', 'show'])).active.authority_id;
  const chain = () => chainOf(suite);
  const root = new X509Certificate(readFileSync(join(upstream, 'ca.crt')));
  const before = {
    upstream: new X509Certificate(readFileSync(join(upstream, 'tls.crt'))),
    authority: await active(),
    chain: await chain(),
  };
  assertBelow(before.chain, before.upstream, root);

  const told = await ephemos(['renew', '--offline', vault, '--out', upstream, '--force']);
  assert.equal(told.certificates[0].state, 'renewed');
  const renewed = new X509Certificate(readFileSync(join(upstream, 'tls.crt')));
  assert.notEqual(renewed.serialNumber, before.upstream.serialNumber);
  // Nothing changes until SPIRE makes its next authority: after half of ca_ttl by itself, now because it is told to.
  assert.equal(await active(), before.authority);
  const { authority_id: next } = (await json(['localauthority', 'x509', 'prepare'])).prepared_authority;
  const mark = load.mark();
  await server.cli(['localauthority', 'x509', 'activate', '-authorityID', next]);
  assert.equal(await active(), next);
  await load.event(({ event }) => event === 'svid', { timeout: renewedWithin, what: 'SVID of the new authority', from: mark });
  const deadline = performance.now() + renewedWithin;
  let after = await chain();
  while (after.every(({ fingerprint256 }) => fingerprint256 !== renewed.fingerprint256)) {
    assert.ok(performance.now() < deadline, 'SVIDs are still below the upstream authority of before');
    await new Promise((resolve) => setTimeout(resolve, 500));
    after = await chain();
  }
  assertBelow(after, renewed, root);
  // The chain of before is as good as it was: nobody's trust was ended.
  assertBelow(before.chain, before.upstream, root);
  // Both sides renew once more, and the load has met them.
  const result = await load.runFor(ttl);
  assert.deepEqual({ failures: result.failures, texts: result.failureTexts }, { failures: 0, texts: [] });
  assert.ok(result.calls > 100, `there were only ${result.calls} calls`);
  assert.ok(result.peerRotations >= 2, `the load saw ${result.peerRotations} rotations of its peer`);
  assert.equal(result.peerAuthorities, 1, 'the load met peers of more than one root');
  const bundle = await server.cli(['bundle', 'show']);
  assert.deepEqual(
    (bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
      (pem) => new X509Certificate(pem).fingerprint256,
    ),
    [root.fingerprint256],
  );
  for (const path of filesBelow(folder).filter((each) => !each.startsWith(`${vault}/`)))
    assert.ok(!readFileSync(path).includes(rootKey.trim()), `${path} holds the key of the root`);
  await echo.stop();
  return `${result.summary}; chain of ${after.length} below the renewed authority and the one root; the key of the root is nowhere but offline`;
}

/**
 * The certificates of an SVID that the client is given, leaf first.
 * @param {import('../../spire/suite.js').Suite} suite
 * @returns {Promise<readonly X509Certificate[]>}
 */
async function chainOf(suite) {
  const program = suite.startNode('chain', 'e2e/deploy/ca/chain.js', [], { as: await suite.world.as(ids.client) });
  const line = await program.line((each) => each.startsWith('['), { timeout: 30_000, what: 'chain' });
  await program.exited;
  return JSON.parse(line).map((/** @type {string} */ der) => new X509Certificate(Buffer.from(der, 'base64')));
}

/**
 * @param {readonly X509Certificate[]} chain
 * @param {X509Certificate} upstream
 * @param {X509Certificate} root
 */
function assertBelow(chain, upstream, root) {
  const whole = [...chain, root];
  assert.ok(
    chain.some(({ fingerprint256 }) => fingerprint256 === upstream.fingerprint256),
    'the chain does not go through the upstream authority',
  );
  for (const [index, each] of chain.entries()) {
    const issuer = whole[index + 1];
    assert.ok(
      issuer !== undefined && each.checkIssued(issuer) && each.verify(issuer.publicKey),
      `certificate ${index} of the chain is not of the next one`,
    );
  }
}

/** @param {string} folder */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
