// The interoperability suite: go-spiffe and Ephemos as server and client of each other, over HTTP, raw TLS and gRPC, on a real SPIRE,
// each also with a client and with a server that has the wrong identity.
import { parseArgs } from 'node:util';
import { openSuite, SetupError } from '../e2e/spire/suite.js';
import { table } from '../e2e/spire/table.js';
import { buildPeer } from './build.js';

const usage = 'usage: npm run test:interop [-- --short] [-- --pair go-node]';
const protocols = /** @type {const} */ (['http', 'tls', 'grpc']);
const domain = 'spiffe://example.org';
const exitRefused = 4;
const shownText = 80;
/** How long a line that a server printed may take to reach us, in ms. */
const eventLatency = 2000;

/** @typedef {'go' | 'node'} Side */
/** @typedef {'admitted' | 'client refused' | 'server refused'} Rule */
/**
 * One server and what it told us.
 * @typedef {object} Server
 * @property {string} identity
 * @property {import('../e2e/spire/process.js').Program} program
 * @property {Record<string, string>} addresses by protocol
 */

const log = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

try {
  process.exit(await main());
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  process.exit(1);
}

/** @returns {Promise<number>} */
async function main() {
  const begin = performance.now();
  const { values, error } = readArguments();
  if (values === undefined) {
    process.stderr.write(`error: ${error}\nhint: ${usage}\n`);
    return 2;
  }
  // The short form leaves out go to go, which only shows that the suite itself is sound.
  /** @type {(readonly [Side, Side])[]} client, server */
  const pairs = [
    ['go', 'node'],
    ['node', 'go'],
  ];
  if (!values.short) pairs.push(['go', 'go']);
  const wanted = pairs.filter(([client, server]) => values.pair === undefined || values.pair === `${client}-${server}`);
  if (wanted.length === 0) {
    process.stderr.write(`error: there is no pair ${values.pair}\nhint: ${usage}\n`);
    return 2;
  }

  const peer = await buildPeer({ log }).catch((problem) => {
    throw new SetupError(problem instanceof Error ? problem.message : String(problem));
  });
  log(`go-spiffe peer: ${peer.built === undefined ? 'built before' : `built in ${peer.built.toFixed(0)} s`}`);
  const suite = await openSuite({ name: 'interop', agent: 'spire', ttl: 60, log });
  let failures = 0;
  try {
    /** @type {string[][]} */
    const rows = [];
    const goFile = suite.reach.file(peer.file);
    const servers = await openServers(suite, goFile, wanted);
    for (const [client, side] of wanted) {
      for (const protocol of protocols) {
        for (const rule of /** @type {readonly Rule[]} */ (['admitted', 'client refused', 'server refused'])) {
          const server = servers.get(serverName(rule === 'server refused' ? 'wrong' : 'right', client, side));
          if (server === undefined) throw new Error(`no ${side} server`);
          const caller = rule === 'client refused' ? identity('wrong', client) : identity('right', client);
          const result = await exchange({ suite, goFile, client, side, protocol, rule, server, caller });
          if (!result.ok) failures += 1;
          rows.push([`${client} -> ${side}`, protocol, rule, result.ok ? 'ok' : 'FAILED', `${result.ms.toFixed(0)} ms`, result.what]);
        }
      }
    }
    log(`\n${table(['client -> server', 'over', 'expected', 'result', 'took', 'seen'], rows)}`);
    log(`\n${rows.length - failures} passed, ${failures} failed`);
    log(`interop: ${rows.length} exchanges in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  } catch (problem) {
    failures += 1;
    process.stderr.write(`error: ${problem instanceof Error ? problem.stack : String(problem)}\n`);
  } finally {
    await suite.close({ failed: failures > 0 });
  }
  return failures === 0 ? 0 : 1;
}

/** @returns {{ values?: { short: boolean, pair?: string | undefined }, error?: string }} */
function readArguments() {
  try {
    const { values } = parseArgs({ options: { short: { type: 'boolean', default: false }, pair: { type: 'string' } } });
    return { values };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * @param {'right' | 'wrong'} kind
 * @param {Side} side
 */
function identity(kind, side) {
  return `${domain}/${kind}/${side}-peer`;
}

/**
 * @param {'right' | 'wrong'} kind
 * @param {Side} client
 * @param {Side} side
 */
function serverName(kind, client, side) {
  return `server-${kind}-${side}-for-${client}`;
}

/**
 * Starts the server of each pair, and one more that does the same under an identity that no client expects.
 * @param {import('../e2e/spire/suite.js').Suite} suite
 * @param {string} goFile
 * @param {readonly (readonly [Side, Side])[]} pairs
 */
async function openServers(suite, goFile, pairs) {
  const sides = [...new Set(pairs.flat())];
  await Promise.all(
    sides.flatMap((side) => [suite.world.register(identity('right', side)), suite.world.register(identity('wrong', side))]),
  );
  /** @type {Map<string, Server>} */
  const servers = new Map();
  const starting = pairs.flatMap(([client, side]) =>
    /** @type {const} */ (['right', 'wrong']).map(async (kind) => {
      const own = identity(kind, side);
      const name = serverName(kind, client, side);
      const program = await start({ suite, goFile, side, name, as: own, args: ['serve', '-peer', identity('right', client)] });
      const line = await program.line((text) => text.includes('"listening"'), { timeout: 30_000, what: 'listening line' });
      servers.set(name, { identity: own, program, addresses: JSON.parse(line) });
    }),
  );
  await Promise.all(starting);
  return servers;
}

/**
 * @param {{ suite: import('../e2e/spire/suite.js').Suite, goFile: string, side: Side, name: string, as: string, args: readonly string[] }} options
 */
async function start({ suite, goFile, side, name, as, args }) {
  const caller = await suite.world.as(as);
  if (side === 'node') return suite.startNode(name, 'interop/node/peer.js', args, { as: caller });
  const { uid, gid } = caller;
  return suite.programs.start(name, goFile, args, {
    cwd: suite.folder,
    env: { ...process.env, HOME: suite.folder, ...caller.env },
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
}

/**
 * @param {{ suite: import('../e2e/spire/suite.js').Suite, goFile: string, client: Side, side: Side, protocol: string, rule: Rule,
 *   server: Server, caller: string }} options
 * @returns {Promise<{ ok: boolean, ms: number, what: string }>}
 */
async function exchange({ suite, goFile, client, side, protocol, rule, server, caller }) {
  const before = server.program.stdout().length;
  const message = `${client} to ${side} over ${protocol}: grüße ✓`;
  const begin = performance.now();
  const program = await start({
    suite,
    goFile,
    side: client,
    name: `client-${client}-${side}-${protocol}-${rule.replace(' ', '-')}`,
    as: caller,
    args: [
      'call',
      '-peer',
      identity('right', side),
      '-protocol',
      protocol,
      '-server',
      server.addresses[protocol] ?? '',
      '-message',
      message,
    ],
  });
  const { code } = await program.exited;
  const ms = performance.now() - begin;
  const served = () => server.program.stdout().slice(before);
  const told = program.stderr().trim().split('\n')[0] ?? '';
  if (rule === 'admitted') {
    const reply = code === 0 ? JSON.parse(program.stdout()) : undefined;
    const ok = reply?.message === message && reply?.caller === caller && served().includes('"request"');
    return { ok, ms, what: ok ? `echoed to ${caller}` : `exit ${code}: ${told}${program.stdout().trim()}` };
  }
  // Who refused says whom: an exchange that failed for any other reason does not count.
  const refused =
    rule === 'server refused' ? refusalIn(program.stdout(), server.identity) : await until(() => refusalIn(served(), caller), eventLatency);
  const ran = served().includes('"request"');
  const ok = code === exitRefused && refused !== undefined && !ran;
  const trouble = `exit ${code}, ${refused === undefined ? 'nobody refused' : 'refused'}, handler ${ran ? 'RAN' : 'did not run'}: `;
  const seen = told.replace(/^error: /, '');
  return {
    ok,
    ms,
    what: ok ? `${refused}${rule === 'client refused' ? `; client sees: ${seen.slice(0, shownText)}` : ''}` : `${trouble}${seen}`,
  };
}

/**
 * @param {string} output
 * @param {string} peer
 * @returns {string | undefined} the reason
 */
function refusalIn(output, peer) {
  const line = output.split('\n').find((text) => text.includes('"refused"') && text.includes(peer));
  return line === undefined ? undefined : JSON.parse(line).reason;
}

/**
 * @template T
 * @param {() => T | undefined} read
 * @param {number} timeout
 * @returns {Promise<T | undefined>}
 */
async function until(read, timeout) {
  const deadline = performance.now() + timeout;
  for (;;) {
    const value = read();
    if (value !== undefined || performance.now() > deadline) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
