// What Prometheus would see: the address of /metrics in, samples by name and labels out.
import { inTime } from './in-time.js';

/** What the demo shows of it: a metric, which of its samples, and the least that it has to grow by. */
const shown = /** @type {const} */ ([
  ['ephemos_svid_rotations_total', '', 3],
  ['ephemos_tls_handshake_duration_seconds_count', 'role="server"', 10],
  ['ephemos_tls_handshake_failures_total', 'role="server"', 4],
  ['ephemos_authorization_decisions_total', 'decision="deny"', 2],
  ['rpc_server_call_duration_seconds_count', '', 100],
  ['http_server_request_duration_seconds_count', '', 100],
]);

/** @typedef {readonly number[]} Scrape the samples that are shown */

/**
 * @param {string} address host:port
 * @returns {Promise<Scrape>}
 */
export async function scrape(address) {
  const response = await inTime(fetch(`http://${address}/metrics`), 'the metrics did not come');
  if (!response.ok) throw new Error(`the metrics were answered with ${response.status}`);
  const lines = (await response.text()).split('\n').filter((line) => !line.startsWith('#'));
  return shown.map(([name, label]) => {
    const samples = lines.filter((line) => line.startsWith(`${name}{`) && line.includes(label));
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  });
}

/**
 * Shows two scrapes side by side. Throws when a sample did not grow as it should have.
 * @param {import('./screen.js').Screen} screen
 * @param {Scrape} before
 * @param {Scrape} after
 */
export function compare(screen, before, after) {
  for (const [index, [name, label, least]] of shown.entries()) {
    const [from = 0, to = 0] = [before[index], after[index]];
    const sample = label === '' ? name : `${name}{${label}}`;
    if (!(to - from >= least)) throw new Error(`${sample} went from ${from} to ${to}, and should have grown by at least ${least}`);
    screen.detail(`${sample.padEnd(60)} ${from} → ${to.toLocaleString('en')}`);
  }
}
