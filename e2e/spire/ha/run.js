// The part `ha` of the suite: a highly available SPIRE, or the development agent, broken on purpose under load; a table, and in full form
// results.json and docs/spire.md.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { runCases } from '../run-cases.js';
import { table } from '../table.js';
import { keepResults, writeDocs } from './docs.js';
import { runDrill } from './drill.js';
import { drills } from './drills.js';
import { openPlace } from './place.js';

/** Seconds: that SVIDs live, that an outage lasts, and one that outlasts every SVID. */
const times = { full: { ttl: 60, outage: 20, long: 120 }, short: { ttl: 30, outage: 6, long: 45 } };
const names = drills.map(({ name }) => name);

/** @param {import('./drill.js').Row} row */
export const cells = ({ drill, outage, calls, failures, longestGap, nextSvid }) => [
  drill,
  `${outage} s`,
  ...[calls.http1, calls.http2, calls.grpc, failures].map(String),
  `${longestGap} s`,
  `${nextSvid} s`,
];
const head = ['drill', 'outage', 'HTTP/1.1', 'HTTP/2', 'gRPC', 'failed', 'longest gap', 'next SVID'];

/**
 * Runs it and returns the exit code.
 * @param {{ words: readonly string[], log: (line: string) => void }} options the words after the name of the part
 * @returns {Promise<number>}
 */
export async function runHa({ words, log }) {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { short: { type: 'boolean', default: false }, agent: { type: 'string', default: 'spire' } },
    allowPositionals: true,
  });
  const { short, agent } = values;
  if (agent !== 'spire' && agent !== 'dev') return misused(`there is no agent ${agent}`, 'spire or dev');
  const possible = drills.filter(({ agents }) => agents.includes(agent));
  const unknown = positionals.find((name) => !possible.some((each) => each.name === name));
  if (unknown !== undefined)
    return misused(
      `there is no drill ${unknown}${names.includes(unknown) ? ` with --agent ${agent}` : ''}`,
      `there are ${possible.map(({ name }) => name).join(', ')}`,
    );
  const wanted = possible.filter(({ name, inShort }) =>
    positionals.length === 0 ? !short || inShort?.includes(agent) : positionals.includes(name),
  );

  const begin = performance.now();
  const { ttl, outage, long } = times[short ? 'short' : 'full'];
  const place = await openPlace({ agent, ttl, log });
  log(`SVIDs of ${ttl} s; ready after ${((performance.now() - begin) / 1000).toFixed(1)} s; ${short ? 'short' : 'full'} form\n`);
  /** @type {import('./drill.js').Row[]} */
  const rows = [];
  let failed = true;
  try {
    const { failures, summary } = await runCases({
      cases: wanted,
      log,
      run: async (drill) => {
        const row = await runDrill(drill, place, { short, seconds: drill.long ? long : outage });
        rows.push(row);
        return tell(row);
      },
    });
    failed = failures > 0;
    log(`\n${table(head, rows.map(cells))}\n\n${place.about}: ${summary()}`);
  } finally {
    await place.suite.close({ failed });
  }
  if (!short && agent === 'spire' && rows.length > 0) {
    const machine = { cores: cpus().length, model: cpus()[0]?.model ?? '' };
    const kept = keepResults({ about: place.about, node: process.version, machine, ttl, rows }, drills);
    if (!failed) writeDocs(kept, drills);
    log(`written to e2e/spire/ha/results.json${failed ? '' : ' and docs/spire.md'}`);
  }
  return failed ? 1 : 0;
}

/** @param {import('./drill.js').Row} row */
function tell({ drill: _drill, told, ...figures }) {
  return [...told, JSON.stringify(figures)].join('; ');
}

/**
 * @param {string} error
 * @param {string} hint
 */
function misused(error, hint) {
  process.stderr.write(`error: ${error}\nhint: ${hint}\n`);
  return 2;
}
