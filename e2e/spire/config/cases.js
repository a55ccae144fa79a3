// What must hold of the deployments in deploy/spire, each on the real programs.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkConf } from '../../../packages/cli/dist/deploy/spire/check-conf.js';
import { parseSpire } from '../../../packages/cli/dist/deploy/spire/read-spire.js';
import { renderSpire } from '../../../packages/cli/dist/deploy/spire/render-spire.js';
import { sign, writePrivately } from '../deployment/certificates.js';
import {
  createServers,
  createSpireAgent,
  exitOfStranger,
  identityOf,
  placed,
  register,
  valuesOf,
  writeDeployment,
} from '../deployment/deployment.js';
import { openDeployment } from '../deployment/open-deployment.js';
import { checkout } from '../room.js';
import { foundInExamples, unexpectedIn } from './examples.js';
import { isUpToDate, spireSource } from './known-keys.js';
import { mutations } from './mutations.js';

/** @typedef {import('../room.js').SpireRoom} Room */

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} rule
 * @property {(room: Room) => Promise<string>} run resolves with what was measured
 */

const deploySpire = join(checkout, 'deploy', 'spire');
const [orders, billing, stranger] = [20_101, 20_102, 20_103];

/** @param {boolean} holds @param {string} otherwise */
function must(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

/**
 * What spire-server or spire-agent says of a configuration.
 * @param {Room} room
 * @param {string} file
 */
async function verdict(room, file) {
  const text = readFileSync(file, 'utf8');
  const program = /^agent \{/m.test(text) ? room.spire.agent : room.spire.server;
  const words = ['validate', ...(text.includes('${') ? ['-expandEnv'] : []), '-config', file];
  const { code, stdout, stderr } = await room.programs.run('validate', program, words, {
    env: { ...process.env, SPIRE_DATABASE_PASSWORD: 'none' },
  });
  return {
    accepted: code === 0,
    said: `${stdout}${stderr}`
      .trim()
      .split(/\s*\n\s*/)
      .join('; '),
  };
}

/**
 * Copies the rendered files of a variant. Only /etc/spire is moved: x509pop reads its authority when it is validated.
 * @param {Room} room
 * @param {string} variant
 * @param {ReadonlyMap<string, string>} [files] other files than those in the checkout
 */
async function copied(room, variant, files) {
  const folder = join(room.folder, 'validate', variant);
  mkdirSync(folder, { recursive: true });
  const etc = join(folder, 'etc');
  writePrivately(join(etc, 'nodes', 'ca.crt'), (await sign('machines', { pathLength: 0 })).certificate);
  const source =
    files ?? new Map(readdirSync(join(deploySpire, variant)).map((name) => [name, readFileSync(join(deploySpire, variant, name), 'utf8')]));
  return [...source]
    .filter(([name]) => /\.(conf|cfg)$/.test(name))
    .map(([name, text]) => {
      const path = join(folder, name);
      writeFileSync(path, text.replaceAll('/etc/spire/', `${etc}/`), { mode: 0o600 });
      return path;
    });
}

/** @type {Record<string, object>} */
const keyServices = {
  aws_kms: { kind: 'aws_kms', region: 'eu-central-1' },
  gcp_kms: { kind: 'gcp_kms', ring: 'projects/acme/locations/europe-west3/keyRings/spire' },
  azure_key_vault: { kind: 'azure_key_vault', vault: 'https://acme-spire.vault.azure.net/' },
};

/** @type {readonly Case[]} */
export const cases = [
  {
    name: 'keys',
    rule: 'the table of keys is what the Go sources of the pinned SPIRE say',
    run: async () => {
      const source = await spireSource().catch(() => undefined);
      if (source === undefined) return 'left out: there is no Go here to fetch the sources with';
      must(isUpToDate(source), 'known-keys.ts is not what the sources of SPIRE say: node e2e/spire/config/known-keys.js');
      return 'the table is up to date';
    },
  },
  {
    name: 'examples',
    rule: "ephemos doctor finds in SPIRE's own example configurations what is written in examples.json, each of which holds, and nothing else",
    run: async () => {
      const source = await spireSource().catch(() => undefined);
      if (source === undefined) return 'left out: there is no Go here to fetch the sources with';
      const found = await foundInExamples(source);
      const unexpected = unexpectedIn(found);
      must(unexpected.length === 0, unexpected.join('; '));
      return `${Object.values(found).flat().length} findings in ${Object.keys(found).length} files, as expected`;
    },
  },
  {
    name: 'validate',
    rule: 'spire-server and spire-agent accept every file in deploy/spire, and every key manager',
    run: async (room) => {
      const files = [];
      for (const variant of readdirSync(deploySpire)) {
        if (statSync(join(deploySpire, variant)).isDirectory()) files.push(...(await copied(room, variant)));
      }
      for (const [name, keys] of Object.entries(keyServices)) {
        files.push(...(await copied(room, `host-ha-${name}`, renderSpire(parseSpire({ ...valuesOf('host-ha'), keys })))));
      }
      const confs = files.filter((file) => file.endsWith('.conf'));
      for (const file of confs) {
        const { accepted, said } = await verdict(room, file);
        must(accepted, `${file.slice(room.folder.length + 1)}: ${said}`);
      }
      must(confs.length >= 12, `only ${confs.length} files were found`);
      return `${confs.length} files accepted, among them ${Object.keys(keyServices).join(', ')}`;
    },
  },
  {
    name: 'ignored',
    rule: 'what SPIRE silently ignores is refused by our own check, at its line',
    run: async (room) => {
      let silent = 0;
      for (const [index, { variant, file, from, to, key }] of mutations.entries()) {
        const text = readFileSync(join(deploySpire, variant, file), 'utf8');
        must(text.includes(from), `${variant}/${file} has no ${JSON.stringify(from)}`);
        const changed = text.replace(from, to);
        const line = changed.slice(0, text.indexOf(from) + to.indexOf(key)).split('\n').length;
        const { problems } = checkConf(changed, file);
        must(
          problems.some((problem) => problem.line === line && problem.key.endsWith(key)),
          `${key} in ${variant}/${file} was not found at line ${line}: ${JSON.stringify(problems)}`,
        );
        const [written] = await copied(room, `mutation-${index}`, new Map([[file, changed]]));
        if (written !== undefined && (await verdict(room, written)).accepted) silent += 1;
      }
      must(silent >= mutations.length / 2, `SPIRE accepts only ${silent} of ${mutations.length}`);
      return `${mutations.length} mutations found, of which SPIRE itself accepts ${silent}`;
    },
  },
  {
    name: 'host',
    rule: 'the variant host starts, its agent is attested by x509pop, once, and a workload gets its SVID',
    run: async (room) => {
      const folder = join(room.folder, 'h');
      mkdirSync(folder, { mode: 0o755 });
      const deployment = await writeDeployment(await placed('host', folder), folder);
      const begin = performance.now();
      const [server] = createServers(deployment, room);
      if (server === undefined) throw new Error('there is no server');
      const agent = createSpireAgent(deployment, room);
      await server.daemon.start();
      await agent.start();
      const up = performance.now() - begin;
      const id = await register(deployment, server, { name: 'orders', uid: orders });
      const identity = await identityOf(deployment, room, orders);
      mustBeIssued(identity, id);
      must((await exitOfStranger(deployment, room, stranger)) === 4, 'a user without an entry got an identity');
      const metrics = await (await fetch(`http://localhost:${server.place.metrics.port}/metrics`)).text();
      must(/^spire_server_/m.test(metrics), 'the server tells Prometheus nothing');
      for (const path of [join(server.place.data, 'keys.json'), deployment.path('server.conf'), deployment.path('agent.conf')]) {
        must((statSync(path).mode & 0o077) === 0, `${path} may be read by others`);
      }
      must(!(await canConnect(room, server.place.socket, orders)), 'a workload may open the API of the server');
      must(!(await canConnect(room, deployment.spire.agent.admin, orders)), 'a workload may open the admin API of the agent');
      must(await canConnect(room, deployment.spire.agent.socket, orders), 'a workload may not open the Workload API');
      mustBeQuiet(server.daemon.program());
      mustBeQuiet(agent.program());

      await agent.stop();
      await agent.start();
      mustBeIssued(await identityOf(deployment, room, orders), id);
      const attestations = server.daemon.program().stdout().split('Agent attestation request completed').length - 1;
      must(attestations === 1, `the agent was attested ${attestations} times, and kept its key on disk`);
      await agent.stop();
      await server.daemon.stop();
      return `server and agent ready in ${seconds(up)}, SVID through ${identity.chainLength} certificates to ${identity.authorities[0]?.subject}`;
    },
  },
  {
    name: 'host-ha',
    rule: 'the variant host-ha starts on PostgreSQL over verified TLS behind HAProxy, and goes on without a server',
    run: async (room) => {
      const folder = join(room.folder, 'ha');
      mkdirSync(folder, { mode: 0o755 });
      const begin = performance.now();
      const running = await openDeployment({ room, variant: 'host-ha', folder });
      const { deployment, servers, database, balancer } = running;
      const [first, second] = servers;
      if (first === undefined || second === undefined || database === undefined || balancer === undefined)
        throw new Error('a part is missing');
      const { postgres, store } = database;
      const up = performance.now() - begin;

      const id = await register(deployment, first, { name: 'orders', uid: orders });
      const identity = await identityOf(deployment, room, orders);
      mustBeIssued(identity, id);
      await mustBeLeastPrivileged(postgres, store.user);
      const [ours, theirs] = [await first.cli(['bundle', 'show']), await second.cli(['bundle', 'show'])];
      must(ours === theirs && ours.trim() === deployment.authorities.root.certificate.trim(), 'the bundle is not the offline root alone');

      await first.daemon.stop();
      const without = performance.now();
      const other = await register(deployment, second, { name: 'billing', uid: billing });
      mustBeIssued(await identityOf(deployment, room, billing), other);
      const took = performance.now() - without;
      const page = await (await fetch(`http://127.0.0.1:${balancer.place.metrics.port}/metrics`)).text();
      must(/haproxy_server_status\{[^}]*server="spire-1",state="UP"\} 0/.test(page), 'haproxy did not notice that a server is gone');
      must(balancer.daemon.program().running(), 'haproxy ended');
      mustBeQuiet(second.daemon.program());
      return `${postgres.version.split(' ').slice(0, 3).join(' ')}, all ready in ${seconds(up)}; with one server stopped, entry to SVID in ${seconds(took)}`;
    },
  },
];

/** @param {number} ms */
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/**
 * Leaf, the server's authority and the upstream authority; the offline root is the bundle.
 * @param {import('../deployment/deployment.js').Identity} identity
 * @param {string} wanted its SPIFFE ID
 */
function mustBeIssued(identity, wanted) {
  const { id, chainLength, remainingSeconds, authorities } = identity;
  must(id === wanted, `the SVID is for ${id}, not for ${wanted}`);
  must(chainLength === 3, `the chain has ${chainLength} certificates, not leaf, server authority and upstream authority`);
  must(remainingSeconds > 3000 && remainingSeconds <= 3600, `the SVID is good for ${remainingSeconds} s, not for an hour`);
  const names = authorities.map(({ subject }) => subject);
  must(names.length === 1 && names[0] === 'CN=offline root', `the bundle is ${names.join(' and ')}, not the offline root alone`);
}

/**
 * Whether a user may connect to a unix socket.
 * @param {Room} room
 * @param {string} socket
 * @param {number} uid
 */
async function canConnect(room, socket, uid) {
  const program = "require('node:net').connect(process.argv[1]).on('connect', () => process.exit(0)).on('error', () => process.exit(1))";
  const { code } = await room.programs.run('connect', room.reach.node, ['-e', program, socket], { uid, gid: uid });
  return code === 0;
}

/**
 * What SPIRE says of every upstream authority on disk, which is so; and what the agent says of callers without an entry, which the cases are.
 */
const expectedComplaints = /UpstreamAuthority plugin does not support JWT-SVIDs|No identity issued/;

/**
 * A configuration that SPIRE warns of is none to hand out.
 * @param {import('../process.js').Program} program
 */
function mustBeQuiet(program) {
  const lines = `${program.stdout()}${program.stderr()}`
    .split('\n')
    .filter((line) => /"level":"(warning|error)"/.test(line) && !expectedComplaints.test(line));
  must(lines.length === 0, `${program.name} complains: ${lines[0]}`);
}

/**
 * @param {import('../deployment/postgres.js').RunningPostgres} postgres
 * @param {string} user
 */
async function mustBeLeastPrivileged(postgres, user) {
  const open = await postgres.ask(
    `SELECT count(*), bool_and(ssl.ssl), string_agg(DISTINCT ssl.version, ' ') FROM pg_stat_activity JOIN pg_stat_ssl ssl USING (pid) WHERE usename = '${user}'`,
  );
  must(/^[1-9]\d*\|t\|TLSv1\.3$/.test(open), `the connections of SPIRE are ${open}`);
  const role = await postgres.ask(
    `SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = '${user}'`,
  );
  must(role === 'f|f|f|f|f', `the role may do more than it needs: ${role}`);
  for (const statement of [
    'CREATE DATABASE mine',
    'CREATE ROLE mine',
    "COPY (SELECT 1) TO PROGRAM 'true'",
    'ALTER DATABASE spire RENAME TO mine',
  ]) {
    const { code, said } = await postgres.askAsSpire({ sslmode: 'verify-full', statement });
    must(code !== 0 && /permission denied|must be owner|must be/.test(said), `SPIRE's role may ${statement}: ${said}`);
  }
  const plain = await postgres.askAsSpire({ sslmode: 'disable', statement: 'SELECT 1' });
  must(plain.code !== 0 && /pg_hba\.conf rejects/.test(plain.said), `the database takes SPIRE's role without TLS: ${plain.said}`);
}
