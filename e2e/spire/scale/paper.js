// The measured figures carried to deployments that do not fit on one machine: counts of workloads in, load of every part out. Each line says where it is from.

/**
 * @typedef {object} Constants milliseconds of CPU, MiB
 * @property {number} signMs server CPU an SVID
 * @property {number} syncMs server CPU a sync of an agent with few entries
 * @property {number} storeSyncMs store CPU a sync
 * @property {number} reloadMs elapsed, 10,000 entries
 * @property {number} reloadCpuMs server CPU a reload of 10,000 entries
 * @property {number} storeReloadCpuMs store CPU a reload of 10,000 entries
 * @property {number} serverMiB without entries
 * @property {number} serverMiBMore for 10,000 entries
 * @property {number} perSecond SVIDs that one server signs here when agents ask together
 */

/** What is assumed; docs/scale.md says so. */
export const plan = { workloads: [1_000, 10_000, 100_000], each: 20, servers: [2, 2, 4], ttl: 3_600, agentTtl: 86_400, sync: 5, reload: 5 };
const backdating = 10;
/** Seconds that an agent's connection lasts, attestations and signatures a second for one address: constants in SPIRE's sources. */
const limits = { connection: 180, attest: 1, sign: 500 };

/**
 * @param {any} cases of results.json
 * @returns {Constants}
 */
export function constantsOf({ entries, signing, database }) {
  const row = (/** @type {number} */ others) =>
    entries.rows.find((/** @type {any} */ each) => each.others === others && each.intervals === 'default');
  const [none, many] = [row(0), row(10_000)];
  const postgres = database.rows.find((/** @type {any} */ each) => each.store === 'postgres');
  const { burst } = signing.rows.at(-1);
  return {
    signMs: burst.serverCpuMsPerSvid,
    syncMs: postgres.syncs.serverCpuMsEach,
    storeSyncMs: postgres.syncs.storeCpuMsEach,
    reloadMs: many.reloadMs,
    reloadCpuMs: ((many.serverCpuPercent - none.serverCpuPercent) / 100) * plan.reload * 1000,
    storeReloadCpuMs: (postgres.alone.storeCpuPercent / 100) * plan.reload * 1000,
    serverMiB: none.serverMiB,
    serverMiBMore: many.serverMiB - none.serverMiB,
    perSecond: burst.perSecond,
  };
}

/** @param {number} value */
const short = (value) =>
  value >= 100
    ? Math.round(value).toLocaleString('en-US')
    : value >= 10
      ? value.toFixed(0)
      : value >= 1
        ? value.toFixed(1)
        : Number(value.toPrecision(2)).toString();
/** @param {number} seconds */
const duration = (seconds) => (seconds < 120 ? `${short(seconds)} s` : `${short(seconds / 60)} min`);

/**
 * @param {any} cases of results.json
 * @returns {{ head: string[], rows: string[][] }}
 */
export function onPaper(cases) {
  const known = constantsOf(cases);
  const sizes = plan.workloads.map((workloads, index) => sizeOf(workloads, plan.servers[index] ?? 1, known));
  /** @param {string} what @param {string} from @param {(size: ReturnType<typeof sizeOf>) => string} of */
  const line = (what, from, of) => [what, ...sizes.map(of), from];
  return {
    head: ['', ...plan.workloads.map((count) => `${count.toLocaleString('en-US')} workloads`), 'how it is known'],
    rows: [
      line('agents, workloads each', 'assumed', ({ agents }) => `${short(agents)}, ${plan.each}`),
      line('servers', 'assumed', ({ servers }) => String(servers)),
      line('SVIDs signed a second', 'computed', ({ signs }) => short(signs)),
      line('cores for signing, all servers', 'computed from measured', ({ signCores }) => short(signCores)),
      line('syncs a second', 'computed', ({ syncs }) => short(syncs)),
      line('cores for syncs, all servers', 'computed from measured', ({ syncCores }) => short(syncCores)),
      line('reads of the store a second for syncs', 'computed; one a sync is measured', ({ reads }) => short(reads)),
      line('time of a full reload', 'computed from measured', ({ reloadSeconds }) => duration(reloadSeconds)),
      line('cores for reloads, all servers', 'computed from measured', ({ reloadCores }) => short(reloadCores)),
      line('cores of the store, syncs and reloads', 'computed from measured', ({ storeCores }) => short(storeCores)),
      line('memory of a server', 'computed from measured', ({ serverMiB }) => `${short(serverMiB)} MiB`),
      line('new TLS connections of agents a second', 'computed; 3 min is in the sources', ({ handshakes }) => short(handshakes)),
      line('writes a second for SVIDs of agents', 'computed; two each is in the sources', ({ writes }) => short(writes)),
      line('every SVID anew, all agents at once', 'computed from measured', ({ anew }) => duration(anew)),
      line('the same through a balancer without PROXY protocol', 'computed; 500/s an address is measured', ({ limited }) =>
        duration(limited),
      ),
      line('every agent attested through that balancer', 'computed; 1/s an address is in the sources', ({ attested }) =>
        duration(attested),
      ),
      line('what takes most CPU', 'computed', ({ bottleneck }) => bottleneck),
    ],
  };
}

/**
 * @param {number} workloads
 * @param {number} servers
 * @param {Constants} known
 */
function sizeOf(workloads, servers, known) {
  const agents = workloads / plan.each;
  const signs = workloads / ((plan.ttl + backdating) / 2);
  const syncs = agents / plan.sync;
  const share = workloads / 10_000;
  const signCores = (signs * known.signMs) / 1000;
  const syncCores = (syncs * known.syncMs) / 1000;
  const reloadCores = (servers * share * known.reloadCpuMs) / 1000 / plan.reload;
  const storeCores = (servers * share * known.storeReloadCpuMs) / 1000 / plan.reload + (syncs * known.storeSyncMs) / 1000;
  const parts = { signing: signCores, syncs: syncCores, 'reloads of the entry cache': reloadCores, 'the store': storeCores };
  const [bottleneck = ''] = Object.entries(parts).sort(([, a], [, b]) => b - a)[0] ?? [];
  return {
    agents,
    servers,
    signs,
    signCores,
    syncs,
    syncCores,
    reads: syncs,
    reloadSeconds: (share * known.reloadMs) / 1000,
    reloadCores,
    storeCores,
    serverMiB: known.serverMiB + share * known.serverMiBMore,
    handshakes: agents / limits.connection,
    writes: (2 * agents) / (plan.agentTtl / 2),
    anew: workloads / servers / known.perSecond,
    limited: workloads / servers / Math.min(limits.sign, known.perSecond),
    attested: agents / servers / limits.attest,
    bottleneck,
  };
}
