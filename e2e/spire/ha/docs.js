// The rows of a full run: kept in results.json, and turned into the table between its marks in docs/spire.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { SetupError } from '../room.js';

const page = new URL('../../../docs/spire.md', import.meta.url);
const begin = '<!-- ha:begin -->';
const end = '<!-- ha:end -->';

/**
 * Where the table goes.
 * @throws {SetupError} when the page is not there, or has not the two marks in order
 */
function findMarks() {
  let text;
  try {
    text = readFileSync(page, 'utf8');
  } catch {
    throw new SetupError('docs/spire.md is not there, and the table of a full run goes into it');
  }
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new SetupError(`docs/spire.md has no ${begin} and ${end} after it, and the table of a full run goes between them`);
  return { before: text.slice(0, from + begin.length), after: text.slice(to) };
}

/**
 * @typedef {object} Results
 * @property {string} about
 * @property {string} node
 * @property {{ cores: number, model: string }} machine
 * @property {number} ttl seconds
 * @property {readonly import('./drill.js').Row[]} rows in the order of the drills
 */

const file = new URL('./results.json', import.meta.url);

/**
 * Takes the rows of a run in full form into results.json; rows of drills that did not run stay.
 * @param {Results} results
 * @param {readonly import('./drill.js').Drill[]} drills
 * @returns {Results} all that is in the file now
 */
export function keepResults(results, drills) {
  const known = readResults()?.rows ?? [];
  const rows = drills.flatMap(({ name }) => [...results.rows, ...known].find(({ drill }) => drill === name) ?? []);
  const all = { ...results, rows };
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
  return all;
}

/** @returns {Results | undefined} */
export function readResults() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * @param {Results} results
 * @param {readonly import('./drill.js').Drill[]} drills
 */
export function writeDocs({ about, node, machine, ttl, rows }, drills) {
  const { before, after } = findMarks();
  const ruleOf = (/** @type {string} */ drill) => drills.find(({ name }) => name === drill)?.rule ?? '';
  const lines = rows.map(({ drill, outage, calls, failures, longestGap, nextSvid }) => {
    const cells = [calls.http1, calls.http2, calls.grpc, failures].map((count) => count.toLocaleString('en-US'));
    return `| \`${drill}\`: ${ruleOf(drill)} | ${Math.round(outage)} s | ${cells.join(' | ')} | ${longestGap} s | ${nextSvid} s |`;
  });
  const notes = rows.flatMap(({ drill, told, firstFailure, recovered, recoveredAfterSvid, codes = {} }) => {
    if (firstFailure === undefined) return [];
    const refused = Object.entries(codes).map(([code, count]) => `${count.toLocaleString('en-US')} calls with \`${code}\``);
    const sentences = [
      `the first call failed ${firstFailure} s after the outage began; ${refused.join(' and ')} were refused`,
      ...told.slice(1),
      `the last call failed ${recovered} s after the end of the outage, ${recoveredAfterSvid} s after both sides had an SVID again`,
    ];
    return [`- \`${drill}\`: ${sentences.join('; ')}.`];
  });
  const text = `Written by \`npm run test:spire -- ha\`: ${about}, Node ${node}, ${machine.cores} cores shared with other work. SVIDs live ${ttl} s; SPIRE adds 10 s of backdating,
and its agent renews at half of the whole, give or take a tenth, when it next asks (each 5 s). The outage begins just after a rotation. Longest gap: between two SVIDs
of one side, echo client or echo server. Next SVID: when both sides had a new one, counted from the end of the outage.

| what happened | outage | HTTP/1.1 | HTTP/2 | gRPC | failed | longest gap | next SVID |
|---|--:|--:|--:|--:|--:|--:|--:|
${lines.join('\n')}

Where SVIDs expire, most of the time until all is well again is the agent's (SPIRE 1.15.2): one that cannot reach a server asks again after 7.5 s, then each time after
half as long again, give or take a tenth, up to 4 min (48 times \`experimental.sync_interval\`). So it may ask only half of the outage after its end. Restart agents after an
outage that outlasted SVIDs, once the load balancer has a server again and not before: an agent that starts without a server has nothing to give.

${notes.join('\n')}`;
  writeFileSync(page, `${before}\n${text}\n${after}`);
}
