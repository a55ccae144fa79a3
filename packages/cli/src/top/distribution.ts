// Histograms of a scrape: the buckets of many series in, how many there were and how long most of them took out.
import type { Sample } from './exposition.ts';

/** The sum of several histograms with the same bounds. */
export interface Distribution {
  readonly count: number;
  /** Seconds to how many took no longer, ascending, without the bound that is infinite. */
  readonly buckets: ReadonlyMap<number, number>;
}

/** Adds up the series of a histogram that fit. */
export function distributionOf(
  samples: readonly Sample[],
  name: string,
  fits: (labels: Sample['labels']) => boolean = () => true,
): Distribution {
  let count = 0;
  const buckets = new Map<number, number>();
  for (const { name: series, labels, value } of samples) {
    if (!fits(labels)) continue;
    if (series === `${name}_count`) count += value;
    const bound = Number(labels.get('le'));
    if (series === `${name}_bucket` && Number.isFinite(bound)) buckets.set(bound, (buckets.get(bound) ?? 0) + value);
  }
  return { count, buckets: new Map([...buckets].sort(([a], [b]) => a - b)) };
}

/** What came since an earlier scrape of the same process. */
export function since(before: Distribution, now: Distribution): Distribution {
  return {
    count: now.count - before.count,
    buckets: new Map([...now.buckets].map(([bound, value]) => [bound, value - (before.buckets.get(bound) ?? 0)])),
  };
}

/**
 * The quantile in seconds, between the bounds as `histogram_quantile` of Prometheus puts it; `undefined` when there is nothing to take it of.
 * What is beyond the last bound counts as that bound.
 */
export function quantile(share: number, { count, buckets }: Distribution): number | undefined {
  if (!(count > 0)) return undefined;
  const rank = share * count;
  let [lower, below] = [0, 0];
  for (const [bound, value] of buckets) {
    if (value >= rank) return lower + ((bound - lower) * (rank - below)) / (value - below || 1);
    [lower, below] = [bound, value];
  }
  return buckets.size === 0 ? undefined : lower;
}
