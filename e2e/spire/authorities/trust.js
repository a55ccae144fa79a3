// The deployment `host` of deploy/spire with hands on who signs: SPIRE itself, an upstream authority that is the root, or one below an offline root.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RENDERED_MARK, renderSpire } from '../../../packages/cli/dist/deploy/spire/render-spire.js';
import { writeFiles } from '../../../packages/cli/dist/deploy/write-files.js';
import { writePrivately } from '../deployment/certificates.js';
import { createServers, createSpireAgent, machine, placed, writeDeployment } from '../deployment/deployment.js';
import { createDeploymentWorld } from '../deployment/world.js';
import { createAuthority } from './certificates.js';

/** @typedef {import('./certificates.js').Authority} Authority */
/** @typedef {'own' | 'root' | 'offline-root'} Kind */

/** An agent syncs each 5 s and looks at its own SVID each 5 s, in ms. */
const renewsWithin = 60_000;

/**
 * An authority of the server, as `spire-server localauthority x509 show` names it.
 * @typedef {{ id: string, upstream: string }} Slot
 */

/**
 * What signs the authorities of the server: the root itself, or an authority below it.
 * @typedef {{ root: Authority, signer: Authority }} Upstream
 */

/**
 * @typedef {object} Trust
 * @property {import('../world.js').World} world
 * @property {import('../deployment/daemon.js').Daemon & { data: string }} agent with the folder where it keeps its own SVID
 * @property {(words: readonly string[]) => Promise<string>} cli
 * @property {(words: readonly string[]) => Promise<string>} refusal what spire-server says when it refuses; throws when it does not
 * @property {(spiffeId: string) => Promise<void>} registerForLong with an SVID of one hour
 * @property {(act: () => Promise<void>) => Promise<void>} untilAgentsRenewed acts, and waits until every agent has another SVID of its own
 * @property {() => Promise<void>} untilAgentSynced resolves just after the agent has asked for changes, which it does each 5 s
 * @property {() => Promise<Slot>} active the authority that signs
 * @property {() => Promise<Slot>} prepare the next authority, which signs nothing yet
 * @property {(next: Slot) => Promise<void>} activate
 * @property {() => Promise<number>} bundleSize authorities in the bundle of the server
 * @property {() => Promise<void>} renewBootstrap brings the bundle of now to where the agent looks when it trusts no server that it knows
 * @property {Upstream | undefined} upstream the first one
 * @property {(upstream: Upstream, roots: readonly Authority[]) => void} put replaces the files of the upstream authority
 */

/**
 * @param {'root' | 'offline-root'} kind
 * @param {string} name
 * @param {Authority} [root] one that is there already
 * @returns {Promise<Upstream>}
 */
export async function createUpstream(kind, name, root) {
  const top = root ?? (await createAuthority(`${name} root`));
  return { root: top, signer: kind === 'root' ? top : await createAuthority(`${name} upstream`, { issuer: top }) };
}

/**
 * @param {{ authority_id: string, upstream_authority_subject_key_id?: string }} state
 * @returns {Slot}
 */
const slotOf = (state) => ({ id: state.authority_id, upstream: state.upstream_authority_subject_key_id ?? '' });

/**
 * @param {import('../room.js').SpireRoom} room
 * @param {{ kind: Kind, ttl: number }} options ttl: seconds that SVIDs live
 * @returns {Promise<Trust>}
 */
export async function openTrust(room, { kind, ttl }) {
  const folder = join(room.folder, 'spire');
  mkdirSync(folder, { mode: 0o755 });
  const full = await placed('host', folder, { domain: 'example.org' });
  const deployment = await writeDeployment(full, folder);
  const { upstream: files, bundle, ...others } = full;
  if (files === undefined || bundle.kind !== 'file') throw new Error('the variant host has an upstream authority and a bundle in a file');
  if (kind === 'own') writeFiles(join(folder, 'etc'), renderSpire({ ...others, bundle }), { mark: RENDERED_MARK });
  /** @type {Trust['put']} */
  const put = ({ signer }, roots) => {
    // Certificate and key change together for one who reads both: SPIRE keeps what it has when they do not match.
    writePrivately(files.key, signer.key);
    writePrivately(files.certificate, signer.certificate);
    writePrivately(files.roots, roots.map(({ certificate }) => certificate).join(''));
    writeFileSync(bundle.path, roots.map(({ certificate }) => certificate).join(''));
  };
  const upstream = kind === 'own' ? undefined : await createUpstream(kind, 'first');
  if (upstream !== undefined) put(upstream, [upstream.root]);

  const servers = createServers(deployment, room);
  const [server] = servers;
  if (server === undefined) throw new Error('there is no server');
  await server.daemon.start();
  const renewBootstrap = async () => writeFileSync(bundle.path, await server.cli(['bundle', 'show']));
  if (kind === 'own') await renewBootstrap();
  const agent = createSpireAgent(deployment, room);
  await agent.start();
  const about = `SPIRE ${room.spire.version} (${room.spire.from}), host with ${kind}`;
  const world = createDeploymentWorld({ about, running: { deployment, servers, agent }, ttl });
  const { cli } = server;
  /** @param {readonly string[]} words */
  const json = async (words) => JSON.parse(await cli([...words, '-output', 'json']));
  /** @returns {Promise<readonly string[]>} the serial number of each agent's SVID */
  const agents = async () =>
    (await json(['agent', 'list'])).agents.map((/** @type {{ x509svid_serial_number: string }} */ each) => each.x509svid_serial_number);
  return {
    world,
    agent: { ...agent, data: full.agent.data },
    cli,
    refusal: (words) =>
      cli(words).then(
        (said) => Promise.reject(new Error(`spire-server ${words.slice(0, 3).join(' ')} was not refused: ${said.trim()}`)),
        (error) => (error instanceof Error ? error.message : String(error)),
      ),
    registerForLong: async (spiffeId) => {
      const { uid } = await world.as(spiffeId);
      const parent = `spiffe://${full.domain}/spire/agent/x509pop/${machine}`;
      await cli(['entry', 'create', '-parentID', parent, '-spiffeID', spiffeId, '-selector', `unix:uid:${uid}`, '-x509SVIDTTL', '3600']);
    },
    untilAgentsRenewed: async (act) => {
      const before = await agents();
      await act();
      const deadline = performance.now() + renewsWithin;
      while ((await agents()).some((serial) => before.includes(serial))) {
        if (performance.now() > deadline) throw new Error(`an agent has the SVID that it had ${renewsWithin} ms ago`);
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    },
    untilAgentSynced: async () => {
      const count = () => server.daemon.program().stdout().split('"method":"SyncAuthorizedEntries"').length;
      const deadline = performance.now() + renewsWithin;
      for (const before = count(); count() === before; ) {
        if (performance.now() > deadline) throw new Error('the agent does not ask for changes');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    active: async () => slotOf((await json(['localauthority', 'x509', 'show'])).active),
    prepare: async () => slotOf((await json(['localauthority', 'x509', 'prepare'])).prepared_authority),
    activate: async ({ id }) => {
      await cli(['localauthority', 'x509', 'activate', '-authorityID', id]);
    },
    bundleSize: async () => (await cli(['bundle', 'show'])).split('BEGIN CERTIFICATE').length - 1,
    renewBootstrap,
    upstream,
    put,
  };
}
