// SPIRE's knobs that matter for scale, with what was measured of each: the figures of results.json in, the rows of a table out.
// Names and defaults are those of the sources of SPIRE 1.15.2 (cmd/spire-*/cli/run/run.go, pkg/server/endpoints, sqlstore, pkg/agent/manager).

/** @param {unknown} value */
const n = (value) => (typeof value === 'number' ? value.toLocaleString('en-US') : '–');

/**
 * @param {any} cases of results.json
 * @returns {{ head: string[], rows: string[][] }}
 */
export function knobsTable({ streams, storm, entries, agent, signing, database }) {
  const row = (/** @type {number} */ others, /** @type {string} */ intervals) =>
    entries.rows.find((/** @type {any} */ each) => each.others === others && each.intervals === intervals);
  const [plain, brief, events] = [row(10_000, 'default'), row(10_000, '1 s'), row(10_000, 'events')];
  const cache = (/** @type {number} */ size) =>
    agent.rows.find((/** @type {any} */ each) => each.entries === 5_000 && each.cacheSize === size);
  const [small, large] = [cache(1_000), cache(5_000)];
  const { burst } = signing.rows.at(-1);
  const postgres = database.rows.find((/** @type {any} */ each) => each.store === 'postgres');
  const most = streams.rows.at(-1);
  const longest = storm.rows.at(-1);
  return {
    head: ['key', 'default', 'what it costs or buys', 'recommended', 'measured here'],
    rows: [
      [
        'server `default_x509_svid_ttl`',
        '1h',
        'an agent renews at half the life, a tenth more or less; halving it doubles the signatures and the rotations of every workload',
        '1h; an entry can have its own (`x509_svid_ttl`)',
        `${n(burst.serverCpuMsPerSvid)} ms of the server's and ${n(burst.agentCpuMsPerSvid)} ms of the agent's CPU an SVID`,
      ],
      [
        'server `ca_ttl`',
        '24h',
        'no SVID outlives the last sixth of it (at most 7 days), so it bounds every TTL; each authority is in every bundle until it expires',
        '168h',
        'not measured',
      ],
      [
        'server `agent_ttl`',
        'as `default_x509_svid_ttl`',
        'two writes to the store each half of it for every agent; with it also how long the servers may be away',
        '24h',
        'not measured',
      ],
      [
        'server `experimental.cache_reload_interval`',
        '5s',
        'each server reads all entries and agents at each reload; a new entry waits for it',
        '5s to 10,000 entries; above, not less than ten times what a reload takes',
        `10,000 entries: a reload takes ${n(plain.reloadMs)} ms; each 5 s it is ${n(plain.serverCpuPercent)} % of a core, each second ${n(brief.serverCpuPercent)} %`,
      ],
      [
        'server `experimental.events_based_cache`',
        'false',
        'reads only what changed; a server that starts reads everything and all kept events (`prune_events_older_than`, 12h), which took minutes where there were many ([spire#5771](https://github.com/spiffe/spire/issues/5771))',
        'from some 50,000 entries on, and after a try with as many; until then leave it',
        `10,000 entries, each second: ${n(events.serverCpuPercent)} % of a core; a new entry in ${n(events.pushedMs.p50)} ms (p50)`,
      ],
      [
        'server `max_attested_node_info_staleness`',
        '0s',
        'each sync of each agent reads its record from the store; with 30s a banned agent is served 30 s longer',
        '0s to some 5,000 agents, then 30s',
        `${n(postgres.syncs.transactionsEach)} transactions a sync on PostgreSQL`,
      ],
      [
        'server `ratelimit`, `proxy_protocol_trusted_cidrs`',
        'on: 1 attestation and 500 signatures a second for one address; none',
        'behind a balancer all agents have one address, unless it speaks the PROXY protocol and is trusted',
        'on, with the PROXY protocol, as in `deploy/spire/host-ha`',
        `${n(signing.withLimit.agents)} agents with one address: ${n(signing.withLimit.perSecond)} SVIDs/s, without the limit ${n(burst.perSecond)}`,
      ],
      [
        'server `prune_attested_nodes_expired_for`',
        'never',
        'records of agents that are gone stay, and are read at each reload; once an hour up to 1,000 are removed (`prune_attested_nodes_batch_size`)',
        '168h',
        'not measured',
      ],
      [
        'store `max_open_conns`',
        '100',
        'all servers together have to stay below `max_connections` of the database',
        '40 a server',
        `${n(postgres.withAgents.sessions)} sessions with ${n(postgres.agents)} agents`,
      ],
      [
        'agent `x509_svid_cache_max_size`',
        '1000',
        'what is kept without anybody asking; above it workloads are served all the same, but a first SVID waits for the next look each 0.5 s',
        'the number of entries of the machine, when memory allows it',
        `5,000 entries: ${n(small.agentMiB)} MiB with 1,000, ${n(large.agentMiB)} MiB with 5,000; first SVID of those outside ${n(small.lateMs?.p50)} ms (p50)`,
      ],
      [
        'agent `experimental.sync_interval`',
        '5s',
        'load of servers and store grows with its inverse; a new entry waits for it',
        '5s; not less with more than 100 agents',
        `${n(postgres.syncs.serverCpuMsEach)} ms of the server's CPU a sync of ${n(postgres.syncs.entriesOfAgent)} entries; ${n(agent.rows.at(-1).syncMs)} ms long with ${n(agent.rows.at(-1).entries)}`,
      ],
      [
        'agent `availability_target`',
        'off',
        'renews so long before the end; at least 24h, and 12 h less than the life of the SVID, so only for SVIDs of 36 h and more',
        'off: half of the life is kept free already',
        'not measured',
      ],
      [
        'agent `experimental.ratelimit.fetch_x509_svid`',
        '0 (off)',
        'streams a second that one set of selectors may open; beyond it `Unavailable`, which Ephemos answers with its backoff',
        'off; 20 where strangers run on the machine',
        `${n(longest.streams)} streams came back in ${n(longest.backMs.all)} ms without it`,
      ],
      [
        'agent `log_level`',
        'INFO',
        'a line for each SVID that is renewed',
        'INFO; WARN hides the renewals that you look for when one is missing',
        `${n(most.rotationsInRound)} lines in ${n(most.roundSeconds)} s with ${n(most.streams)} workloads: part of all figures`,
      ],
    ],
  };
}
