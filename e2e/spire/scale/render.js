// results.json in, the tables between the marks of docs/spire.md and docs/scale.md out. `node e2e/spire/scale/render.js [--check]`; with --check nothing is written.
import { readFileSync, writeFileSync } from 'node:fs';
import { knobsTable } from './knobs.js';
import { constantsOf, onPaper } from './paper.js';

/** @typedef {any} Figures what JSON holds; each table below says which case it reads */

/** @param {string | number | null | undefined} value */
const cell = (value) => (value === null || value === undefined ? '–' : typeof value === 'number' ? value.toLocaleString('en-US') : value);

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly (string | number | null | undefined)[])[]} rows
 */
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

/** @param {{ p50: number, p99: number }} figures */
const pair = ({ p50, p99 }) => `${cell(p50)} / ${cell(p99)}`;

/**
 * At most 12 steps.
 * @param {readonly number[]} bins
 * @param {number} ms
 */
function returns(bins, ms) {
  const size = Math.ceil(bins.length / 12);
  const steps = Array.from({ length: Math.ceil(bins.length / size) }, (_, index) =>
    bins.slice(index * size, (index + 1) * size).reduce((sum, each) => sum + each, 0),
  );
  return `${(size * ms) / 1000} s: ${steps.join(' ')}`;
}

/** @type {Record<string, (figures: Figures) => string>} */
const sections = {
  streams: ({ svidSeconds, openedAtOnce, rows }) => `### Streams on one agent

Each stream is an X.509 source of its own with an identity of its own; SVIDs of ${svidSeconds} s; ${openedAtOnce} opened at a time. A round is the time in which every source gets a new SVID.

${table(
  [
    'streams',
    'first SVID ms, p50 / p99',
    'agent MiB',
    'agent files a stream',
    'agent CPU a rotation, ms',
    'rotations in the round',
    'round s, p1 to p99',
    'most in one second',
    'least life left s',
    'missed',
  ],
  rows.map((/** @type {Figures} */ row) => [
    row.streams,
    pair(row.firstSvidMs),
    row.agentMiB,
    row.agentFilesPerStream,
    row.agentCpuMsPerRotation,
    row.rotationsInRound,
    row.roundSeconds,
    row.busiestSecond,
    row.leastLifeLeftSeconds,
    row.rotationsMissed,
  ]),
)}`,
  cost: ({ rows, idle, emptyRssMiB }) => `### What an open source costs its process

One process, one identity, more and more \`openX509Source\`; without any it takes ${cell(emptyRssMiB)} MiB. Memory is after garbage was collected, per source as the difference to one. CPU includes parsing and checking the message. Between rotations ${cell(idle.sources)} sources wake the process ${cell(idle.withSources)} times a second, none ${cell(idle.withoutSources)} times.

${table(
  ['sources', 'process MiB', 'heap KiB a source', 'memory KiB a source', 'files a source', 'CPU a rotation, ms', 'wake-ups a rotation'],
  rows.map((/** @type {Figures} */ row) => [
    row.sources,
    row.rssMiB,
    row.kiBPerSource,
    row.rssKiBPerSource,
    row.filesPerSource,
    row.cpuMsPerRotation,
    row.wakeUpsPerRotation,
  ]),
)}`,
  storm: ({ rows, svidSeconds }) => `### After the agent was killed

The agent is ended with SIGKILL and started again; SVIDs of ${svidSeconds} s. Times count from the moment when the agent says that it is ready to each stream's first new SVID. The last column says how many came in each step of so many seconds.

${table(
  [
    'streams',
    'processes',
    'agent away s',
    'dials a stream meanwhile',
    'back ms, p50 / p99',
    'all back ms',
    'lost',
    'agent CPU s',
    'own CPU a stream, ms',
    'returns by step',
  ],
  rows.map((/** @type {Figures} */ row) => [
    row.streams,
    row.identities,
    row.awaySeconds,
    row.attemptsPerStreamWhileAway,
    pair(row.backMs),
    row.backMs.all,
    row.lost,
    row.agentCpuSeconds,
    row.workloadsCpuMsPerStream,
    returns(row.returnsPerBin.split(' ').map(Number), row.binMs),
  ]),
)}`,
  entries: ({ rows, created, samples }) => `### Entries on the server

One agent, and so many entries that belong to others. "default" looks for changes each 5 s on both sides, "1 s" each second, "events" each second at what changed (\`events_based_cache\`). To an open stream: from the creation of an entry to its SVID on a stream that is there (${samples.pushed} entries). To a new workload: the same for one that starts with its entry and is refused until then (${samples.fresh}). On sqlite, which takes ${created.map((/** @type {Figures} */ { perSecond }) => cell(perSecond)).join(' or ')} new entries a second.

${table(
  [
    'other entries',
    'intervals',
    'server CPU, % of a core',
    'server MiB',
    'a reload, ms',
    'to an open stream ms, p50 / p99',
    'to a new workload ms, p50 / p99',
  ],
  rows.map((/** @type {Figures} */ row) => [
    row.others,
    row.intervals,
    row.serverCpuPercent,
    row.serverMiB,
    row.reloadMs,
    pair(row.pushedMs),
    pair(row.startedMs),
  ]),
)}`,
  agent: ({ rows, latency, bareMiB }) => `### Entries on one agent

Default \`sync_interval\`; without entries the agent takes ${cell(bareMiB)} MiB. Workloads are spread evenly over the entries; those whose SVID is not in the cache wait for the agent's next look at its subscribers. A new entry among ${cell(latency.entries)} reaches an open stream in ${pair(latency.pushedMs)} ms (p50 / p99) when both sides look each second.

${table(
  [
    'entries',
    'cache',
    'agent MiB',
    'cache filled in s',
    'a sync, ms',
    'agent CPU, %',
    'server CPU, %',
    'first SVID at once',
    'first SVID of the others ms, p50 / p99',
  ],
  rows.map((/** @type {Figures} */ row) => [
    row.entries,
    row.cacheSize,
    row.agentMiB,
    row.filledSeconds,
    row.syncMs,
    row.agentCpuPercent,
    row.serverCpuPercent,
    `${row.atOnce} of ${row.workloads}`,
    row.lateMs === null ? null : pair(row.lateMs),
  ]),
)}`,
  signing: ({ rows, steady, withLimit, svidSeconds }) => `### SVIDs signed by one server

Agents with ${cell(rows[0].entriesEach)} entries each start at once and have nothing. All have the same address here: the table is without SPIRE's \`ratelimit.signing\`, and with it ${cell(withLimit.svids)} SVIDs for ${cell(withLimit.agents)} agents took ${cell(withLimit.seconds)} s (${cell(withLimit.perSecond)} a second).

${table(
  ['agents', 'SVIDs', 's', 'SVIDs/s', 'server CPU an SVID, ms', 'agent CPU an SVID, ms'],
  rows.map((/** @type {Figures} */ { agents, burst }) => [
    agents,
    burst.svids,
    burst.seconds,
    burst.perSecond,
    burst.serverCpuMsPerSvid,
    burst.agentCpuMsPerSvid,
  ]),
)}

After that ${cell(steady.agents)} agents renew SVIDs of ${svidSeconds} s, ${cell(steady.perSecond)} a second: the server takes ${cell(steady.serverCpuPercent)} % of a core and ${cell(steady.serverMiB)} MiB, each agent ${cell(steady.agentCpuPercentEach)} %, and the store is asked ${cell(steady.datastoreCallsPerSecond)} times a second: it knows nothing of signatures.`,
  database: ({ rows, version }) => `### sqlite and PostgreSQL

${version.replace(/ \(Debian.*/, '').replace('postgres (PostgreSQL)', 'PostgreSQL')} on a unix socket, durable, beside the server on the same two cores; default intervals; ${cell(rows[0].entries)} entries.

${table(
  [
    'store',
    'new entries/s',
    'agents',
    'server CPU, %',
    'store CPU, %',
    'a reload, ms',
    'datastore calls/s',
    'transactions/s',
    'rows read/s',
  ],
  rows.flatMap((/** @type {Figures} */ { store, createdPerSecond, alone, agents, withAgents }) =>
    [
      { count: 0, watched: alone },
      { count: agents, watched: withAgents },
    ].map(({ count, watched }) => [
      store,
      count === 0 ? createdPerSecond : null,
      count,
      watched.serverCpuPercent,
      watched.storeCpuPercent,
      watched.reloadMs,
      watched.callsPerSecond,
      watched.transactionsPerSecond,
      watched.rowsPerSecond,
    ]),
  ),
)}`,
};

/**
 * @param {string} text
 * @param {string} mark
 * @param {string} block
 */
function replaceBlock(text, mark, block) {
  const [begin, end] = [`<!-- ${mark}:begin -->`, `<!-- ${mark}:end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`there is no ${begin} with its ${end}`);
  return `${text.slice(0, from + begin.length)}\n${block}\n${text.slice(to)}`;
}

const { spire, node, machine, cases } = JSON.parse(readFileSync(new URL('./results.json', import.meta.url), 'utf8'));
const missing = Object.keys(sections).filter((name) => cases[name] === undefined);
if (missing.length > 0) throw new Error(`results.json lacks ${missing.join(', ')}: run npm run test:spire -- scale ${missing.join(' ')}`);
const about = `Measured on SPIRE ${spire} and Node ${node}, ${machine.cores} cores and ${machine.memoryGiB} GiB, which servers, agents, workloads and store share. ${calm()}`;
/** Whether the machine was ours while it was measured. */
function calm() {
  const busy = Object.values(cases).map(({ busyBefore }) => busyBefore ?? 100);
  const most = Math.max(...busy);
  return most <= 10
    ? 'Nothing else ran.'
    : `**Other work took up to ${most} % of the machine before a case began: the times below are too long, the counts hold.**`;
}
const knobs = knobsTable(cases);
const paper = onPaper(cases);
const known = constantsOf(cases);
const constants = table(
  ['constant', 'value'],
  [
    ["server's CPU an SVID, ms", known.signMs],
    ["server's CPU a sync of 20 entries, ms", known.syncMs],
    ["store's CPU a sync, ms", known.storeSyncMs],
    ['a reload of 10,000 entries, ms long', known.reloadMs],
    ["server's CPU a reload of 10,000 entries, ms", Math.round(known.reloadCpuMs)],
    ["store's CPU a reload of 10,000 entries, ms", Math.round(known.storeReloadCpuMs)],
    ['server without entries, MiB', known.serverMiB],
    ['more for 10,000 entries, MiB', known.serverMiBMore],
    ['SVIDs a second for agents that ask together', known.perSecond],
  ],
);
/** @type {readonly (readonly [string, readonly (readonly [string, string])[]])[]} */
const pages = [
  [
    'spire.md',
    [
      ['knobs', table(knobs.head, knobs.rows)],
      ['scale', [about, ...Object.entries(sections).map(([name, section]) => section(cases[name]))].join('\n\n')],
    ],
  ],
  [
    'scale.md',
    [
      ['constants', constants],
      ['paper', table(paper.head, paper.rows)],
    ],
  ],
];
for (const [name, blocks] of pages) {
  const page = new URL(`../../../docs/${name}`, import.meta.url);
  const text = readFileSync(page, 'utf8');
  const next = blocks.reduce((sofar, [mark, block]) => replaceBlock(sofar, mark, block), text);
  if (next === text) continue;
  if (process.argv.includes('--check')) {
    process.stderr.write(`error: docs/${name} is not what e2e/spire/scale/results.json says\nhint: run node e2e/spire/scale/render.js\n`);
    process.exitCode = 1;
  } else writeFileSync(page, next);
}
