// The case `database`: the same entries and agents on sqlite and on PostgreSQL; what each store is asked, and what that costs it.
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findPostgres } from '../deployment/programs.js';
import { round, until, wait } from './figures.js';
import { cpuOfTree } from './procfs.js';
import { openScaleWorld, trustDomain } from './world.js';

const plans = {
  full: { timed: 1_000, entries: 10_000, agents: 3, window: 10.5, settle: 6, syncing: 8 },
  short: { timed: 100, entries: 200, agents: 2, window: 1, settle: 0.5, syncing: 1 },
};
/** As many as a machine may have workloads. */
const entriesOfAgent = 20;
const port = 5432; // Names the unix socket only.

/** @type {import('./run.js').Case} */
export const database = {
  name: 'database',
  rule: 'sqlite and PostgreSQL hold the same entries for the same agents',
  run: async ({ room, short }) => {
    const plan = plans[short ? 'short' : 'full'];
    const postgres = await openPostgres(room);
    try {
      const rows = [];
      for (const store of /** @type {const} */ (['sqlite', 'postgres'])) {
        const world = await openScaleWorld({ room, name: `db-${store}`, ...(store === 'postgres' ? { store: postgres.pluginData } : {}) });
        try {
          const more = Array.from({ length: plan.entries }, (_, index) => ({
            path: `stored/${index}`,
            parent: `spiffe://${trustDomain}/spire/agent/join_token/other-${index % 100}`,
            uid: 100_000 + index,
          }));
          const seconds = await world.register(more.slice(0, plan.timed));
          const created = { createdPerSecond: round(plan.timed / seconds, 0) };
          // Only the first are timed: a durable commit waits for the disk.
          if (store === 'postgres') await postgres.hurry();
          await world.register(more.slice(plan.timed));
          const alone = await watch(world, store === 'postgres' ? postgres : undefined, plan.window, plan.settle);
          const agents = [];
          for (let index = 0; index < plan.agents; index += 1) agents.push(await world.addAgent());
          const withAgents = await watch(world, store === 'postgres' ? postgres : undefined, plan.window);
          const syncs = await watchSyncs(world, agents, {
            store: store === 'postgres' ? postgres : undefined,
            seconds: plan.syncing,
            alone,
          });
          assert.equal(await countOf(world, 'entry'), plan.entries + plan.agents * entriesOfAgent);
          assert.equal(await countOf(world, 'agent'), plan.agents);
          rows.push({ store, entries: plan.entries, ...created, alone, agents: plan.agents, withAgents, syncs });
        } finally {
          await world.close();
        }
      }
      const told = rows.map(
        ({ store, createdPerSecond, alone, withAgents }) =>
          `${store}: ${createdPerSecond} entries/s, server ${alone.serverCpuPercent} % and store ${alone.storeCpuPercent ?? 0} % CPU alone, ${withAgents.callsPerSecond} calls/s with ${plan.agents} agents`,
      );
      return { told: told.join('; '), figures: { version: postgres.version, rows } };
    } finally {
      await postgres.close();
    }
  },
};

/**
 * @param {import('./world.js').ScaleWorld} world
 * @param {'entry' | 'agent'} what
 * @returns {Promise<number>}
 */
async function countOf(world, what) {
  return JSON.parse(await world.server.cli([what, 'count', '-output', 'json'])).count;
}

/**
 * What one sync of one agent costs, out of many: the agents look each 100 ms, and what the server does anyway is taken off.
 * @param {import('./world.js').ScaleWorld} world
 * @param {readonly import('./world.js').ScaleAgent[]} agents
 * @param {{ store: Postgres | undefined, seconds: number, alone: { serverCpuPercent: number | null, storeCpuPercent?: number | null } }} options
 */
async function watchSyncs(world, agents, { store, seconds, alone }) {
  await world.register(
    agents.flatMap((agent, number) =>
      Array.from({ length: entriesOfAgent }, (_, index) => ({ path: `synced/${number}/${index}`, parent: agent.id, uid: 400_001 + index })),
    ),
  );
  for (const agent of agents) {
    await agent.stop();
    await agent.start({ sync: '100ms' });
    await until(agent.cached, (cached) => cached === entriesOfAgent, { seconds: 30, what: 'SVIDs in the cache of an agent' });
  }
  const syncsOf = async () => {
    const all = await Promise.all(agents.map((agent) => agent.metrics()));
    return all.reduce((sum, metrics) => sum + metrics.sum(/^spire_agent_manager_sync_fetch_entries_updates_elapsed_time_count$/), 0);
  };
  const [before, server, work] = [await syncsOf(), world.server.usage().cpu, await store?.work()];
  await wait(seconds);
  const [after, used, done] = [await syncsOf(), world.server.usage().cpu, await store?.work()];
  const count = after - before;
  const each = (/** @type {number} */ cpu, /** @type {number} */ percent) => round(((cpu - (percent / 100) * seconds) * 1000) / count, 3);
  return {
    entriesOfAgent,
    count,
    serverCpuMsEach: each(used - server, alone.serverCpuPercent ?? 0),
    ...(work === undefined || done === undefined
      ? {}
      : {
          storeCpuMsEach: each(done.cpu - work.cpu, alone.storeCpuPercent ?? 0),
          transactionsEach: round((done.transactions - work.transactions) / count, 2),
        }),
  };
}

/**
 * @param {import('./world.js').ScaleWorld} world
 * @param {Postgres | undefined} postgres
 * @param {number} seconds
 * @param {number} [settle] seconds to wait before
 */
async function watch(world, postgres, seconds, settle = 1) {
  // A session of PostgreSQL tells its statistics with its next statement, which may be those of the next reload.
  await wait(settle);
  const [before, cpu, work] = [await world.server.metrics(), world.server.usage().cpu, await postgres?.work()];
  await wait(seconds);
  const [after, used, done] = [await world.server.metrics(), world.server.usage(), await postgres?.work()];
  const delta = (/** @type {RegExp} */ name) => after.sum(name) - before.sum(name);
  const calls = /^spire_server_datastore_(.*)_elapsed_time_count$/;
  const byName = [...after.byName(calls)]
    .map(([name, count]) => ({
      call: calls.exec(name)?.[1] ?? name,
      perSecond: round((count - (before.byName(calls).get(name) ?? 0)) / seconds, 2),
    }))
    .filter(({ perSecond }) => (perSecond ?? 0) > 0)
    .sort((a, b) => (b.perSecond ?? 0) - (a.perSecond ?? 0));
  return {
    serverCpuPercent: round(((used.cpu - cpu) / seconds) * 100, 1),
    reloadMs: round(delta(/^spire_server_entry_cache_reload_elapsed_time_sum$/) / delta(/^spire_server_entry_cache_reload$/), 1),
    callsPerSecond: round(delta(calls) / seconds, 2),
    calls: byName.slice(0, 6),
    ...(work === undefined || done === undefined
      ? {}
      : {
          storeCpuPercent: round(((done.cpu - work.cpu) / seconds) * 100, 1),
          transactionsPerSecond: round((done.transactions - work.transactions) / seconds, 2),
          rowsPerSecond: round((done.rows - work.rows) / seconds, 0),
          sessions: done.sessions,
        }),
  };
}

/**
 * @typedef {object} Postgres
 * @property {string} version
 * @property {string} pluginData
 * @property {() => Promise<{ cpu: number, transactions: number, rows: number, sessions: number }>} work since it was started
 * @property {() => Promise<void>} hurry commits no longer wait for the disk
 * @property {() => Promise<void>} close
 */

/**
 * A PostgreSQL of its own on a unix socket, durable as it comes: what TLS and a network add, the part `config` shows to work, not to be fast.
 * @param {import('../room.js').SpireRoom} room
 * @returns {Promise<Postgres>}
 */
async function openPostgres(room) {
  const found = findPostgres({ log: room.log, stage: join(room.folder, 'stage') });
  const home = join(room.folder, 'pg');
  mkdirSync(home, { mode: 0o700 });
  const owner = { uid: Number(execFileSync('id', ['-u', 'nobody'])), gid: Number(execFileSync('id', ['-g', 'nobody'])) };
  chownSync(home, owner.uid, owner.gid);
  const options = { cwd: home, env: { ...found.env, HOME: home }, ...owner };
  /** @param {string} name @param {readonly string[]} args */
  const must = async (name, args) => {
    const { code, stdout, stderr } = await room.programs.run(name, join(found.folder, name), args, options);
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr.trim().split('\n').at(-1)}`);
    return stdout.trim();
  };
  await must('initdb', ['-D', join(home, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C']);
  const server = room.programs.start(
    'postgres',
    join(found.folder, 'postgres'),
    ['-D', join(home, 'data'), '-k', home, '-p', String(port), '-c', 'listen_addresses='],
    options,
  );
  /** @param {string} statement */
  const ask = (statement) => must('psql', ['-h', home, '-p', String(port), '-U', 'postgres', '-X', '-A', '-t', '-F', ' ', '-c', statement]);
  await until(
    () => ask('select 1').catch(() => ''),
    (answer) => answer === '1',
    { seconds: 30, what: 'answer of PostgreSQL' },
  );
  await ask('create database spire');
  return {
    version: await must('postgres', ['--version']),
    pluginData: `database_type = "postgres" connection_string = "host=${home} port=${port} user=postgres dbname=spire sslmode=disable"`,
    work: async () => {
      const said = await ask("select xact_commit + xact_rollback, tup_returned, numbackends from pg_stat_database where datname = 'spire'");
      const [transactions = Number.NaN, rows = Number.NaN, sessions = Number.NaN] = said.split(' ').map(Number);
      return { cpu: cpuOfTree(server.pid).cpu, transactions, rows, sessions };
    },
    hurry: async () => {
      await ask('alter system set synchronous_commit = off');
      await ask('select pg_reload_conf()');
    },
    close: async () => {
      await server.stop({ signal: 'SIGINT' });
    },
  };
}
