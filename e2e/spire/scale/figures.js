// Quantiles, histograms and rounding, so that every case tells its figures in the same way.

/**
 * @param {readonly number[]} values
 * @param {number} share between 0 and 1
 */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/**
 * @param {readonly number[]} values
 * @param {number} [digits]
 */
export function spread(values, digits = 2) {
  return {
    p50: round(quantile(values, 0.5), digits),
    p99: round(quantile(values, 0.99), digits),
    max: round(Math.max(...values), digits),
  };
}

/**
 * To so many digits after the point; what is no number stays null, as JSON would have it.
 * @param {number} value
 * @param {number} [digits]
 */
export function round(value, digits = 2) {
  return Number.isFinite(value) ? Number(value.toFixed(digits)) : null;
}

/**
 * How many values fall into each step.
 * @param {readonly number[]} values
 * @param {{ from: number, step: number }} options
 * @returns {number[]}
 */
export function histogram(values, { from, step }) {
  /** @type {number[]} */
  const bins = [];
  for (const value of values) {
    const bin = Math.max(0, Math.floor((value - from) / step));
    while (bins.length <= bin) bins.push(0);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return bins;
}

/** @param {number} seconds */
export const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * Asks again and again until the answer will do.
 * @template T
 * @param {() => Promise<T> | T} ask
 * @param {(answer: T) => boolean} willDo
 * @param {{ seconds: number, what: string, every?: number }} options
 * @returns {Promise<T>}
 */
export async function until(ask, willDo, { seconds, what, every = 0.1 }) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (willDo(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`no ${what} within ${seconds} s: ${JSON.stringify(answer)?.slice(0, 200)}`);
    await wait(every);
  }
}
