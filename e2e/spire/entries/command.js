// Runs `ephemos entries` and its sisters as people do, against the SPIRE of the suite, and looks at what came of it with SPIRE's own command.
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { checkout } from '../suite.js';

/**
 * @typedef {object} RunOptions
 * @property {number} [uid] another Unix user, who then comes with an SVID
 * @property {string} [server] another address than that of the admin socket
 * @property {readonly string[]} [node] flags of Node.js
 * @property {number} [timeout] ms
 */

/** @typedef {import('../process.js').Exit & { stdout: string, stderr: string, ms: number }} Ended */

/**
 * What `spire-server entry show` has of an entry.
 * @typedef {object} Shown
 * @property {string} id
 * @property {{ trust_domain: string, path: string }} spiffe_id
 * @property {{ trust_domain: string, path: string }} parent_id
 * @property {readonly { type: string, value: string }[]} selectors
 * @property {number} x509_svid_ttl
 * @property {number} jwt_svid_ttl
 * @property {readonly string[]} dns_names
 * @property {readonly string[]} federates_with
 * @property {boolean} admin
 * @property {string} hint
 * @property {string} expires_at
 * @property {string} revision_number
 */

/**
 * @typedef {object} Command
 * @property {import('../suite.js').Suite} suite
 * @property {import('../spire.js').RunningSpire} spire
 * @property {string} agent the SPIFFE ID of the agent, which is the parent of workloads
 * @property {(args: readonly string[], options?: RunOptions) => Promise<Ended>} run
 * @property {(name: string, args: readonly string[], options?: RunOptions) => import('../process.js').Program} start
 * @property {(owner: string, entries: readonly string[]) => string} file writes an entries file and returns its path
 * @property {(spiffeId: string) => Promise<readonly Shown[]>} shown the entries for a SPIFFE ID, as SPIRE shows them
 * @property {() => Promise<number>} count how many entries there are
 * @property {(spiffeId: string, words: readonly string[]) => Promise<string>} handmade makes an entry with SPIRE's own command; its entry ID
 */

/**
 * @param {import('../suite.js').Suite} suite
 * @returns {Promise<Command>}
 */
export async function openCommand(suite) {
  const { spire } = suite.world;
  assert.ok(spire !== undefined, 'this suite needs SPIRE');
  const main = suite.reach.file(join(checkout, 'packages/cli/dist/main.js'));
  const { PATH = '' } = process.env;
  let runs = 0;
  let files = 0;

  /** @param {RunOptions} options */
  function processOptions({ uid, server = `unix://${spire?.serverSocket}` }) {
    const env = { PATH, HOME: suite.folder, SPIRE_SERVER_ADDRESS: server, SPIFFE_ENDPOINT_SOCKET: spire?.endpoint };
    return { cwd: suite.folder, env, ...(uid === undefined ? {} : { uid, gid: uid }) };
  }
  /** @type {Command['run']} */
  const run = async (args, options = {}) => {
    runs += 1;
    const { node = [], timeout = 120_000 } = options;
    return suite.programs.run(`ephemos-${runs}`, suite.reach.node, [...node, main, ...args], { ...processOptions(options), timeout });
  };
  const agents = JSON.parse((await run(['agents', 'list', '--format', 'json'])).stdout).agents;
  assert.equal(agents.length, 1, 'there is one agent');

  return {
    suite,
    spire,
    agent: String(agents[0].spiffeId),
    run,
    start: (name, args, options = {}) =>
      suite.programs.start(name, suite.reach.node, [...(options.node ?? []), main, ...args], processOptions(options)),
    file: (owner, entries) => {
      files += 1;
      return suite.write(`entries-${files}.yaml`, `owner: ${owner}\nentries:${entries.length === 0 ? ' []' : ''}\n${entries.join('')}`);
    },
    shown: async (spiffeId) => JSON.parse(await spire.cli(['entry', 'show', '-spiffeID', spiffeId, '-output', 'json'])).entries ?? [],
    count: async () => JSON.parse(await spire.cli(['entry', 'count', '-output', 'json'])).count,
    handmade: async (spiffeId, words) =>
      JSON.parse(await spire.cli(['entry', 'create', '-spiffeID', spiffeId, ...words, '-output', 'json'])).results[0].entry.id,
  };
}

/**
 * One entry of an entries file.
 * @param {string} spiffeId
 * @param {string} parentId
 * @param {readonly string[]} lines
 */
export function item(spiffeId, parentId, lines) {
  return `  - ${[`spiffe_id: ${spiffeId}`, `parent_id: ${parentId}`, ...lines].join('\n    ')}\n`;
}

/**
 * Fails unless the command ended with this code and printed this.
 * @param {Ended} ended
 * @param {number} code
 * @param {RegExp} [says] on standard output or standard error
 */
export function assertEnded(ended, code, says = /(?:)/) {
  const shown = `exit ${ended.signal ?? ended.code}, stdout ${JSON.stringify(ended.stdout.slice(-2000))}, stderr ${JSON.stringify(ended.stderr)}`;
  assert.equal(ended.code, code, shown);
  assert.match(`${ended.stdout}${ended.stderr}`, says, shown);
  assert.doesNotMatch(ended.stderr, /^\s+at /m, `a stack was shown: ${shown}`);
}
