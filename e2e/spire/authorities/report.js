// Rows of figures in; results.json and the table in docs/spire.md out.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, SetupError } from '../room.js';

/** @typedef {import('./replace.js').Row} Row */
/** @typedef {Row & { scenario: string, signs: string, took: number }} Result */
/** @typedef {Omit<Result, 'chains' | 'codes' | 'lastFailureAt'> & { chains: string, codes: string }} Kept lists as text: so the file is as the formatter wants it */

const file = join(checkout, 'e2e/spire/authorities/results.json');
const page = join(checkout, 'docs/spire.md');
const markers = { begin: '<!-- authorities:begin -->', end: '<!-- authorities:end -->' };
const agents = { spire: 'SPIRE', dev: 'development agent' };

const legend = `
SVIDs lived 60 s, and SPIRE's servers and agents looked for changes each 5 s, its defaults. \`calls\` and \`failed\` are those of the load plus those of an
observer that makes a new connection for each; \`longest gap\` is between two of the latter that succeeded, \`lost for\` from the first failure to the last.
\`chain\` is how many certificates a peer presents. \`announced\`: from the first step to the new authority in the bundle of a workload. \`renewed\`: from
the activation (at once: from the first step) to new SVIDs on both sides. \`removed\`: from the revocation to a bundle without the old authority.
\`ended\`: from there, as \`ephemos watch\` saw it, to the end of the live connections, in both directions, of a peer that kept its SVID of the revoked
authority; it was then refused with \`ERR_PEER_AUTHORITY_UNKNOWN\`.
`;

/** @param {number | undefined} ms */
const seconds = (ms) => (ms === undefined ? '' : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** @returns {{ before: string, after: string }} what stands around the table */
export function readPage() {
  const text = existsSync(page) ? readFileSync(page, 'utf8') : '';
  const [begin, end] = [text.indexOf(markers.begin), text.indexOf(markers.end)];
  if (begin === -1 || end < begin)
    throw new SetupError(`docs/spire.md has no place for the table: it needs ${markers.begin} and ${markers.end}`);
  return { before: text.slice(0, begin + markers.begin.length), after: text.slice(end) };
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly (string | number)[])[]} rows
 */
const markdown = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/**
 * @param {Result} result
 * @returns {Kept}
 */
const toKept = ({ chains, codes, lastFailureAt, ...others }) => ({ ...others, chains: chains.join(', '), codes: codes.join(', ') });

/** @returns {Record<string, Record<string, Kept>>} by agent and scenario */
const readResults = () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {});

/**
 * Puts what was measured in the place of what was measured before.
 * @param {'spire' | 'dev'} agent
 * @param {readonly string[]} names every scenario of the agent, in order
 * @param {readonly Result[]} results
 */
export function writeReport(agent, names, results) {
  const around = readPage();
  const kept = readResults();
  const own = { ...kept[agent], ...Object.fromEntries(results.map((result) => [result.scenario, toKept(result)])) };
  kept[agent] = Object.fromEntries(names.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]])));
  writeFileSync(file, `${JSON.stringify(kept, undefined, 2)}\n`);
  const rows = Object.entries(agents).flatMap(([key, title]) =>
    Object.values(kept[key] ?? {}).map((row) => [
      `\`${row.scenario}\``,
      title,
      row.signs,
      row.chains,
      `${row.calls} + ${row.handshakes}`,
      `${row.failures} + ${row.failedHandshakes}`,
      seconds(row.longestGap),
      row.failures + row.failedHandshakes === 0 ? '' : seconds(row.lostFor),
      seconds(row.times.announced),
      seconds(row.times.renewed ?? row.times.back),
      seconds(row.times.removed),
      seconds(row.times.ended),
      [row.codes.replaceAll(/ERR_\w+/g, '`$&`'), row.remark].filter((text) => text !== '').join('; '),
    ]),
  );
  const head = [
    'scenario',
    'agent',
    'who signs',
    'chain',
    'calls',
    'failed',
    'longest gap',
    'lost for',
    'announced',
    'renewed',
    'removed',
    'ended',
    'also seen',
  ];
  writeFileSync(page, `${around.before}\n${markdown(head, rows)}\n${legend}${around.after}`);
}

/** @param {Row} row */
export function told({ chains, calls, failures, handshakes, failedHandshakes, longestGap, lostFor, codes, times, remark }) {
  const lost = failures + failedHandshakes === 0 ? '' : ` over ${seconds(lostFor)} (${codes.join(', ')})`;
  const moments = Object.entries(times).map(([name, ms]) => `${name} ${seconds(ms)}`);
  const parts = [
    `${calls} calls, ${failures} failed; ${handshakes} new connections, ${failedHandshakes} failed${lost}`,
    `longest gap ${seconds(longestGap)}`,
    `chain ${chains.join(', ')}`,
    ...moments,
    ...(remark === '' ? [] : [remark]),
  ];
  return parts.join('; ');
}
