import { describe, expect, it } from 'vitest';
import { createStyle } from '../../src/output/text.ts';
import { createHistory } from '../../src/top/history.ts';
import { pageOf } from '../../src/top/page.ts';
import { type Reading, readScrape } from '../../src/top/reading.ts';
import { documentOf, lineOf } from '../../src/top/summary.ts';
import type { Look, View } from '../../src/top/view.ts';
import { recordedScrape } from '../support/plaintext-service.ts';

const plain = createStyle(false);
const look: Look = { style: plain, unicode: true, columns: 80 };
const health = { host: '127.0.0.1', port: 9080 };
const metrics = { host: '127.0.0.1', port: 9090 };
const targets = { health, metrics, metricsPath: '/metrics' };
// Half a minute after the SVID of the recorded scrape was issued.
const time = 1_795_522_700_000;
const ready = { ok: true, reachable: true, checks: [{ name: 'svid', ok: true }], reason: undefined };

function viewOf(text: string, changes: Partial<NonNullable<View['observation']>> = {}): View {
  const observation = { time, clock: 0, probe: ready, reading: readScrape(text), scrapeError: undefined, ...changes };
  return { targets, observation, paces: createHistory().add(observation), lastSeen: time - 5_000 };
}

describe('the page', () => {
  it('shows identity, agent, readiness, traffic and refusals of a recorded scrape', () => {
    expect(pageOf(viewOf(recordedScrape), look)).toEqual([
      'ephemos top  orders unknown, up 32 s                                   12:18:20Z',
      '',
      'ready     yes',
      'identity  spiffe://example.org/orders',
      'life      ████████████████████░░░░░░░░░░  1 min 31 s left',
      'rotated   0 times',
      'agent     connected',
      'trust     1 trust domain',
      'drain     no',
      'process   121 MiB, event loop p99 28 ms',
      '',
      'traffic                             open       new       p95      in all',
      '  connections from callers             5         -         -           5',
      '  connections to others                5         -         -          28',
      '  HTTP requests                                  -         -         296',
      '  gRPC calls                                     -         -           0',
      '',
      'refused                                        new                in all',
      '  caller: unauthorized                           -                    23',
      '  denied: no_rule_for_peer                       -                    23',
    ]);
  });

  it('shows rates and percentiles between two scrapes', () => {
    const history = createHistory();
    const first = readScrape(recordedScrape);
    const second = readScrape(recordedScrape.replace(/(failures_total\{.*role="server",reason="unauthorized"\}) 23/, '$1 43'));
    history.add({ time, clock: 0, probe: ready, reading: first, scrapeError: undefined });
    const observation = { time, clock: 8_000, probe: ready, reading: second, scrapeError: undefined };
    const page = pageOf({ targets, observation, paces: history.add(observation), lastSeen: time }, look);
    expect(page).toContain('  caller: unauthorized                       2.5/s                    43');
    expect(page).toContain('  HTTP requests                                0/s         -         296');
  });

  it('names the failing checks, from the probe and else from the metrics', () => {
    const probe = { ok: false, reachable: true, checks: [], reason: 'svid (expired), database (\u001b[2Jgone)' };
    expect(pageOf(viewOf(recordedScrape, { probe }), look)).toContain('ready     no: svid (expired), database (\\u{1b}[2Jgone)');
    const text = recordedScrape.replace(/(ephemos_ready\{.*\}) 1/, '$1 0').replace(/(check="bundle"\}) 1/, '$1 0');
    expect(pageOf(viewOf(text, { probe: undefined }), look)).toContain('ready     no: bundle');
    expect(pageOf(viewOf(recordedScrape, { probe: undefined }), look)).toContain('ready     yes');
  });

  it('says what is lost: the agent, the identity, the life', () => {
    const lost = recordedScrape.replace(/(agent_connection_status\{.*\}) 1/, '$1 0').replace(/(shutdown_in_progress\{.*\}) 0/, '$1 1');
    expect(pageOf(viewOf(lost), look)).toContain('agent     lost; what it gave stays valid until it expires');
    expect(pageOf(viewOf(lost), look)).toContain('drain     in progress');
    const withdrawn = recordedScrape.replaceAll(/^ephemos_svid_(info|not_after|not_before).*$/gm, '');
    expect(pageOf(viewOf(withdrawn), look)).toContain('identity  none');
    const expired = pageOf(viewOf(recordedScrape, { time: 1_795_522_800_000 }), look);
    expect(expired).toContain('life      ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  expired 9 s ago');
  });

  it('says that nobody answers, why, and since when, and what it waits for before the first look', () => {
    const probe = { ok: false, reachable: false, checks: [], reason: 'connect ECONNREFUSED 127.0.0.1:9080' };
    const view = viewOf('', { probe, scrapeError: 'HTTP 404' });
    expect(pageOf(view, { ...look, columns: 100 }).slice(2)).toEqual([
      'probes   no answer: connect ECONNREFUSED 127.0.0.1:9080',
      'metrics  no answer from 127.0.0.1:9090: HTTP 404; last seen 5 s ago',
    ]);
    expect(pageOf({ ...view, observation: undefined }, look)).toEqual(['ephemos top', '', 'waiting for 127.0.0.1:9080 and 127.0.0.1:9090']);
    expect(pageOf({ ...view, targets: { ...targets, metrics: undefined } }, look)).toContain('metrics  not asked');
  });

  it('keeps to ASCII where the terminal does, and the bar to its room', () => {
    const narrow = pageOf(viewOf(recordedScrape), { ...look, unicode: false, columns: 40 });
    expect(narrow.find((line) => line.startsWith('life'))).toBe('life      ######....  1 min 31 s left');
    expect([...narrow.join('')].every((character) => character <= '~')).toBe(true);
  });

  it('has colours only where the terminal takes them', () => {
    expect(pageOf(viewOf(recordedScrape), look).join('')).not.toContain('\u001b');
    expect(pageOf(viewOf(recordedScrape), { ...look, style: createStyle(true) }).join('')).toContain('\u001b[32m');
  });

  it('lets no label of a scrape draw on the terminal', () => {
    const text = recordedScrape.replaceAll('"unauthorized"', '"\u001b[2Jun\u202eauthorized"').replace('/orders"', '/\u0007orders"');
    const page = pageOf(viewOf(text), look).join('\n');
    expect(page).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(page).toContain('\\u{1b}[2J');
    expect(lineOf(viewOf(text), plain)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describe('the line', () => {
  it('says the same in short', () => {
    expect(lineOf(viewOf(recordedScrape), plain)).toBe(
      '12:18:20Z  ready  spiffe://example.org/orders 1 min 31 s left  agent connected  5 in 5 out  handshakes -  requests -  refused -  denied -',
    );
  });

  it('says that nobody answers', () => {
    const probe = { ok: false, reachable: false, checks: [], reason: 'connect ECONNREFUSED' };
    expect(lineOf(viewOf('', { probe, scrapeError: 'HTTP 404' }), plain)).toBe(
      '12:18:20Z  no answer from 127.0.0.1:9080  connect ECONNREFUSED  no metrics from 127.0.0.1:9090: HTTP 404',
    );
  });
});

describe('the document', () => {
  it('has everything, with null for what is not known', () => {
    expect(documentOf(viewOf(recordedScrape))).toMatchObject({
      time: '2026-11-24T12:18:20.000Z',
      health: { address: '127.0.0.1:9080', reachable: true, ready: true, reason: null },
      metrics: { address: '127.0.0.1:9090', reachable: true, reason: null },
      service: {
        name: 'orders',
        draining: false,
        agentConnected: true,
        connections: { server: 5, client: 5 },
        identity: { id: 'spiffe://example.org/orders', notAfter: '2026-11-24T12:19:51.000Z', remainingSeconds: 91, rotations: 0 },
      },
      paces: {
        handshakes: { server: { perSecond: null, p95Seconds: null, total: 5 } },
        refused: [{ reason: 'caller: unauthorized', perSecond: null, total: 23 }],
      },
    });
    expect(documentOf(viewOf('', { probe: undefined, scrapeError: 'HTTP 404' }))).toMatchObject({
      health: null,
      metrics: { reachable: false, reason: 'HTTP 404' },
      service: null,
      paces: null,
    });
  });
});

describe('a reading', () => {
  it('is nothing where the metrics are of somebody else', () => {
    expect(readScrape('process_start_time_seconds 1\nup 1\n')).toBeUndefined();
    expect(readScrape('<html>')).toBeUndefined();
  });

  it('leaves out times that are none', () => {
    const text =
      'ephemos_svid_info{spiffe_id="spiffe://a/b"} 1\nephemos_svid_not_after_timestamp_seconds 1e300\nprocess_start_time_seconds NaN\n';
    const reading: Reading | undefined = readScrape(text);
    expect(reading?.identity).toBeUndefined();
    expect(reading?.startedAt).toBeUndefined();
  });
});
