import { describe, expect, it } from 'vitest';
import { distributionOf, quantile } from '../../src/top/distribution.ts';
import { parseExposition } from '../../src/top/exposition.ts';
import { createHistory, type Paces, WINDOW_MS } from '../../src/top/history.ts';
import { readScrape } from '../../src/top/reading.ts';

interface Counters {
  readonly started?: number;
  readonly server?: readonly [fast: number, slow: number];
  readonly refused?: number;
  readonly denied?: number;
}

function scrapeOf({ started = 1, server: [fast, slow] = [0, 0], refused = 0, denied = 0 }: Counters): string {
  const name = 'ephemos_tls_handshake_duration_seconds';
  return [
    `process_start_time_seconds ${started}`,
    `${name}_bucket{role="server",le="0.01"} ${fast}`,
    `${name}_bucket{role="server",le="0.1"} ${fast + slow}`,
    `${name}_bucket{role="server",le="+Inf"} ${fast + slow}`,
    `${name}_count{role="server"} ${fast + slow}`,
    `ephemos_tls_handshake_failures_total{role="server",reason="expired"} ${refused}`,
    `ephemos_tls_handshake_failures_total{role="client",reason="io"} 0`,
    `ephemos_authorization_decisions_total{decision="allow",reason="allowed",peer_trust_domain="a"} 7`,
    `ephemos_authorization_decisions_total{decision="deny",reason="no_rule",peer_trust_domain="a"} ${denied}`,
    `ephemos_authorization_decisions_total{decision="deny",reason="no_rule",peer_trust_domain="b"} ${denied}`,
  ].join('\n');
}

function watch(...scrapes: readonly (readonly [clock: number, counters: Counters])[]): Paces | undefined {
  const history = createHistory();
  let paces: Paces | undefined;
  for (const [clock, counters] of scrapes) {
    paces = history.add({ time: 0, clock, probe: undefined, reading: readScrape(scrapeOf(counters)), scrapeError: undefined });
  }
  return paces;
}

describe('rates', () => {
  it('are not known after one scrape', () => {
    expect(watch([0, { server: [10, 0], refused: 3 }])).toMatchObject({
      handshakes: { server: { rate: undefined, p95: undefined, total: 10 } },
      refused: [{ reason: 'caller: expired', rate: undefined, total: 3 }],
    });
  });

  it('are what grew since the oldest scrape of the window', () => {
    const paces = watch(
      [0, { server: [10, 0] }],
      [1_000, { server: [12, 0], refused: 1 }],
      [2_000, { server: [14, 6], refused: 2, denied: 5 }],
    );
    expect(paces).toMatchObject({
      handshakes: { server: { rate: 5, total: 20 }, client: { rate: 0, p95: undefined, total: 0 } },
      refused: [{ reason: 'caller: expired', rate: 1, total: 2 }],
      denied: [{ reason: 'no_rule', rate: 5, total: 10 }],
    });
    // 4 below 10 ms and 6 below 100 ms: the 95th of 100 is at 5.5 of those 6.
    expect(paces?.handshakes.server.p95).toBeCloseTo(0.01 + 0.09 * (5.5 / 6), 6);
  });

  it('forget what is older than the window', () => {
    expect(watch([0, { server: [0, 0] }], [WINDOW_MS, { server: [100, 0] }], [WINDOW_MS + 1_000, { server: [101, 0] }])).toMatchObject({
      handshakes: { server: { rate: 1 } },
    });
  });

  it('start anew with the process', () => {
    expect(watch([0, { server: [100, 0] }], [1_000, { started: 2, server: [3, 0] }])).toMatchObject({
      handshakes: { server: { rate: undefined, total: 3 } },
    });
  });

  it('are never negative', () => {
    expect(watch([0, { server: [100, 0] }], [1_000, { server: [3, 0] }])).toMatchObject({
      handshakes: { server: { rate: 0, p95: undefined, total: 3 } },
    });
  });

  it('are absent while there is no reading, and go on after it', () => {
    const history = createHistory();
    const seen = (clock: number, text: string | undefined): Paces | undefined =>
      history.add({ time: 0, clock, probe: undefined, reading: text === undefined ? undefined : readScrape(text), scrapeError: undefined });
    seen(0, scrapeOf({ server: [0, 0] }));
    expect(seen(1_000, undefined)).toBeUndefined();
    expect(seen(2_000, scrapeOf({ server: [4, 0] }))?.handshakes.server.rate).toBe(2);
  });
});

describe('a quantile', () => {
  const of = (lines: string): ReturnType<typeof distributionOf> =>
    distributionOf(parseExposition(lines, new Set(['h_bucket', 'h_count'])), 'h');

  it('adds up the series of a histogram', () => {
    const both = of(
      'h_bucket{s="1",le="1"} 5\nh_bucket{s="2",le="1"} 5\nh_bucket{s="1",le="2"} 10\nh_bucket{s="2",le="2"} 10\nh_count{s="1"} 10\nh_count{s="2"} 10',
    );
    expect(quantile(0.5, both)).toBe(1);
    expect(quantile(0.75, both)).toBe(1.5);
  });

  it('is the last bound for what is beyond it, and nothing for nothing', () => {
    expect(quantile(0.95, of('h_bucket{le="1"} 0\nh_bucket{le="+Inf"} 9\nh_count 9'))).toBe(1);
    expect(quantile(0.95, of('h_bucket{le="1"} 0\nh_count 0'))).toBeUndefined();
    expect(quantile(0.95, of('h_count 9'))).toBeUndefined();
    expect(quantile(0.95, of('h_bucket{le="1"} NaN\nh_count NaN'))).toBeUndefined();
  });
});
