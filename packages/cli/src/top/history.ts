// Scrapes one after the other in, rates out: what grew over the last ten seconds, and how long it took.
import { type Distribution, quantile, since } from './distribution.ts';
import type { Observation } from './observe.ts';
import type { Reading, Sides } from './reading.ts';

/** Over how long rates and percentiles are taken, in milliseconds. */
export const WINDOW_MS = 10_000;

/** How fast something happens. */
export interface Pace {
  /** Times a second; `undefined` before the second scrape. */
  readonly rate: number | undefined;
  /** 95 of 100 took no longer, in seconds; `undefined` when there were none. */
  readonly p95: number | undefined;
  /** Since the process started. */
  readonly total: number;
}

/** One thing that is counted by what it is called. */
export interface CountedReason {
  readonly reason: string;
  readonly rate: number | undefined;
  readonly total: number;
}

/** What changes from scrape to scrape. */
export interface Paces {
  readonly handshakes: Sides<Pace>;
  readonly http: Pace;
  readonly grpc: Pace;
  /** Those that have happened, the most frequent first. */
  readonly refused: readonly CountedReason[];
  readonly denied: readonly CountedReason[];
}

/** Remembers the scrapes of the last {@link WINDOW_MS}. */
export interface History {
  /** Adds what was seen. Returns the paces, `undefined` where there is no reading. */
  add(observation: Observation): Paces | undefined;
}

/** Makes an empty history. */
export function createHistory(): History {
  let past: { readonly clock: number; readonly reading: Reading }[] = [];
  return {
    add({ clock, reading }) {
      if (reading === undefined) return undefined;
      // Counters of another process do not compare.
      past = past.filter((entry) => clock - entry.clock <= WINDOW_MS && entry.reading.startedAt === reading.startedAt);
      const [first] = past;
      past.push({ clock, reading });
      return pacesOf(reading, first?.reading, first === undefined ? 0 : (clock - first.clock) / 1_000);
    },
  };
}

function pacesOf(now: Reading, before: Reading | undefined, seconds: number): Paces {
  const rate = (grown: number): number | undefined => (seconds > 0 ? Math.max(0, grown) / seconds : undefined);
  const pace = (of: (reading: Reading) => Distribution): Pace => {
    const current = of(now);
    if (before === undefined) return { rate: undefined, p95: undefined, total: current.count };
    const grown = since(of(before), current);
    return { rate: rate(grown.count), p95: quantile(0.95, grown), total: current.count };
  };
  const reasons = (of: (reading: Reading) => ReadonlyMap<string, number>): readonly CountedReason[] =>
    [...of(now)]
      .filter(([, total]) => total > 0)
      .map(([reason, total]) => ({
        reason,
        total,
        rate: before === undefined ? undefined : rate(total - (of(before).get(reason) ?? 0)),
      }))
      .sort((a, b) => (b.rate ?? 0) - (a.rate ?? 0) || b.total - a.total);
  return {
    handshakes: { server: pace(({ handshakes }) => handshakes.server), client: pace(({ handshakes }) => handshakes.client) },
    http: pace(({ requests }) => requests.http),
    grpc: pace(({ requests }) => requests.grpc),
    refused: reasons(({ refused }) => refused),
    denied: reasons(({ denied }) => denied),
  };
}
