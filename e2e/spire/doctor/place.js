// What the cases of `doctor` stand on: a SPIRE, more agents that can be started wrongly, and the command with what it printed.
import { strict as assert } from 'node:assert';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkout } from '../room.js';
import { freePort, openSpire } from '../spire.js';

/**
 * @typedef {object} Finding
 * @property {string} id
 * @property {'error' | 'warning'} severity
 * @property {string} what
 * @property {readonly string[]} evidence
 * @property {readonly { how: string, lines: readonly string[] }[]} mends
 */

/**
 * @typedef {object} Report
 * @property {number} code as the process ended
 * @property {number} ms
 * @property {Readonly<Record<'pass' | 'fail' | 'warn' | 'skip', number>>} counts
 * @property {Readonly<Record<string, { result: string, reason: string | null }>>} rules by their last word
 * @property {readonly Finding[]} findings
 */

/**
 * @typedef {object} DoctorOptions
 * @property {number} [uid] who runs the command
 * @property {string} [socket] another endpoint than that of the agent that works; `''` for none
 * @property {Readonly<Record<string, string>>} [env]
 */

/**
 * @typedef {object} Agent
 * @property {import('../process.js').Program} program
 * @property {string} folder
 * @property {string} endpoint
 * @property {string} log the file
 * @property {string} health host:port
 * @property {(words: RegExp, timeout?: number) => Promise<void>} logged waits for a line of its log
 */

/**
 * @typedef {object} AgentOptions
 * @property {string} [token] made for it when it is left out; `''` for none
 * @property {(conf: string, folder: string) => string} [edit] changes its configuration
 * @property {string} [bundle] what its trust bundle holds; without it that of the server
 */

/**
 * @typedef {object} Place
 * @property {import('../room.js').SpireRoom} room
 * @property {import('../spire.js').RunningSpire} spire
 * @property {Agent} agent the one that works
 * @property {string} agentId
 * @property {string} server as --server takes it
 * @property {string} serverHealth host:port
 * @property {(args: readonly string[], options?: DoctorOptions) => Promise<Report>} doctor
 * @property {(args: readonly string[], options?: DoctorOptions) => Promise<string>} text what people see
 * @property {(name: string, options?: AgentOptions) => Promise<Agent>} startAgent
 * @property {(ttl: number) => Promise<string>} token
 * @property {(spiffeId: string, selectors: readonly string[], words?: readonly string[]) => Promise<string>} entry below the agent; its entry ID
 * @property {(line: string) => Promise<string>} shell runs a command that doctor printed
 * @property {(name: string, text: string) => string} write
 * @property {() => Promise<void>} close
 */

const debug = /log_level = "INFO"/;

/**
 * @param {import('../room.js').SpireRoom} room
 * @returns {Promise<Place>}
 */
export async function openPlace(room) {
  const folder = join(room.folder, 'spire');
  mkdirSync(folder, { mode: 0o755 });
  const { programs, reach } = room;
  const spire = await openSpire({ spire: room.spire, folder, programs });
  // An agent of ours, whose log is a file that it writes itself, does the work; the one that came with the server is not needed.
  await spire.stopAgent();
  for (const { id } of JSON.parse(await spire.cli(['agent', 'list', '-output', 'json'])).agents)
    await spire.cli(['agent', 'evict', '-spiffeID', `spiffe://${id.trust_domain}${id.path}`]);
  const main = reach.file(join(checkout, 'packages/cli/dist/main.js'));
  const model = readFileSync(join(folder, 'agent', 'agent.conf'), 'utf8');
  const server = `unix://${spire.serverSocket}`;
  const { PATH = '' } = process.env;
  const bin = join(room.folder, 'bin');
  mkdirSync(bin, { mode: 0o755 });
  writeFileSync(join(bin, 'ephemos'), `#!/bin/sh\nexec '${reach.node}' '${main}' "$@"\n`, { mode: 0o755 });
  chmodSync(join(bin, 'ephemos'), 0o755);
  const path = `${bin}:${dirname(room.spire.server)}:${PATH}`;

  /** @type {Place['token']} */
  const token = async (ttl) => JSON.parse(await spire.cli(['token', 'generate', '-ttl', String(ttl), '-output', 'json'])).value;

  /** @type {Place['startAgent']} */
  const startAgent = async (name, { token: given, edit = (/** @type {string} */ conf) => conf, bundle } = {}) => {
    const own = join(room.folder, name);
    mkdirSync(own, { mode: 0o755 });
    mkdirSync(join(own, 'data'), { mode: 0o700 });
    const port = await freePort();
    const log = join(own, 'agent.log');
    writeFileSync(join(own, 'bundle.pem'), bundle ?? (await spire.bundle()));
    const conf = model
      .replaceAll(join(folder, 'agent', 'bundle.pem'), join(own, 'bundle.pem'))
      .replaceAll(join(folder, 'agent'), join(own, 'data'))
      .replaceAll(join(folder, 'socket', 'agent.sock'), join(own, 'agent.sock'))
      .replace(/(health_checks .*bind_port = )"\d+"/, `$1"${port}"`)
      .replace(debug, `log_level = "DEBUG"\n  log_file = "${log}"`);
    const file = join(own, 'agent.conf');
    writeFileSync(file, edit(conf, own));
    const words = given === '' ? [] : ['-joinToken', given ?? (await token(600))];
    const program = programs.start(name, room.spire.agent, ['run', '-config', file, ...words]);
    return {
      program,
      folder: own,
      endpoint: `unix://${join(own, 'agent.sock')}`,
      log,
      health: `127.0.0.1:${port}`,
      logged: async (text, timeout = 20_000) => {
        const deadline = performance.now() + timeout;
        while (!text.test(readLog(log))) {
          if (performance.now() > deadline) throw new Error(`${name} never logged ${text}: ${readLog(log).slice(-600)}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      },
    };
  };

  const agent = await startAgent('good');
  await agent.logged(/Serving health checks/);
  const [, agentId = ''] = /Node attestation was successful.*spiffe_id="([^"]*)"/.exec(readLog(agent.log)) ?? [];
  const [, serverHealth = ''] =
    /health_checks .*bind_port = "(\d+)"/.exec(readFileSync(join(folder, 'server', 'server.conf'), 'utf8')) ?? [];

  /** @param {readonly string[]} args @param {DoctorOptions} options */
  const run = async (args, { uid, socket = agent.endpoint, env = {} }) => {
    const environment = { PATH: path, HOME: room.folder, ...(socket === '' ? {} : { SPIFFE_ENDPOINT_SOCKET: socket }), ...env };
    return programs.run('doctor', reach.node, [main, 'doctor', '--live', ...args], {
      cwd: room.folder,
      env: environment,
      ...(uid === undefined ? {} : { uid, gid: uid }),
      timeout: 60_000,
    });
  };

  return {
    room,
    spire,
    agent,
    agentId,
    server,
    serverHealth: `127.0.0.1:${serverHealth}`,
    doctor: async (args, options = {}) => {
      const { code, stdout, stderr, ms } = await run([...args, '--format', 'json'], options);
      assert.equal(stderr, '', stderr);
      const { items, counts, exitCode } = JSON.parse(stdout);
      assert.equal(code, exitCode);
      const rules = items.flatMap((/** @type {any} */ item) => item.rules);
      return {
        code: exitCode,
        ms,
        counts,
        rules: Object.fromEntries(rules.map((/** @type {any} */ rule) => [rule.id.split('.').at(-1), rule])),
        findings: rules.flatMap((/** @type {any} */ rule) => rule.findings),
      };
    },
    text: async (args, options = {}) => (await run(args, options)).stdout,
    startAgent,
    token,
    entry: async (spiffeId, selectors, words = []) => {
      const all = ['-spiffeID', spiffeId, ...selectors.flatMap((each) => ['-selector', each]), ...words];
      const parent = words.includes('-parentID') ? [] : ['-parentID', agentId];
      return JSON.parse(await spire.cli(['entry', 'create', ...parent, ...all, '-output', 'json'])).results[0].entry.id;
    },
    shell: async (line) => {
      const { code, stdout, stderr } = await programs.run('mend', '/bin/sh', ['-c', line], {
        cwd: room.folder,
        env: { PATH: path, HOME: room.folder },
      });
      assert.equal(code, 0, `${line}: ${stdout}${stderr}`);
      return stdout;
    },
    write: (name, text) => {
      const file = join(room.folder, name);
      writeFileSync(file, text, { mode: 0o644 });
      return file;
    },
    close: () => spire.close(),
  };
}

/** @param {string} file */
function readLog(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // Not there yet.
  }
}

/**
 * Fails unless exactly these were found, under the exit code that they stand for.
 * @param {Report} report
 * @param {readonly string[]} ids without their item: `socket.missing`
 * @returns {readonly Finding[]} in this order
 */
export function assertFound(report, ids) {
  const short = (/** @type {string} */ id) => id.replace(/^spire\.reachable\./, '').replace(/^trust-domain\.production\./, '');
  const shown = JSON.stringify(
    report.findings.map(({ id, what, evidence }) => ({ id: short(id), what, evidence })),
    undefined,
    1,
  );
  assert.deepEqual(report.findings.map(({ id }) => short(id)).sort(), [...ids].sort(), shown);
  assert.equal(report.code, report.findings.some(({ severity }) => severity === 'error') ? 1 : 0);
  for (const { id, mends } of report.findings)
    assert.ok(mends.length > 0 && mends.every(({ lines }) => lines.length > 0), `${id} has no command`);
  return ids.map((id) => {
    const finding = report.findings.find((each) => short(each.id) === id);
    assert.ok(finding !== undefined);
    return finding;
  });
}

/**
 * The line of a finding that begins like this: a command, to be run as it was printed.
 * @param {Finding | undefined} finding
 * @param {RegExp} begins
 */
export function mendLine(finding, begins) {
  const line = finding?.mends.flatMap(({ lines }) => lines).find((each) => begins.test(each));
  assert.ok(line !== undefined, `no mend like ${begins}: ${JSON.stringify(finding?.mends)}`);
  return line;
}

/**
 * The file that a finding shows.
 * @param {Finding | undefined} finding
 */
export function mendFile(finding) {
  const mend = finding?.mends.find(({ lines }) => lines[0]?.startsWith('owner: '));
  assert.ok(mend !== undefined, `no file: ${JSON.stringify(finding?.mends)}`);
  return `${mend.lines.join('\n')}\n`;
}
