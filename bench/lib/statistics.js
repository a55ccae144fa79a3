// Medians and ratios. Rounds are interleaved, and a ratio is taken within its round: the speed of the machine drifts, the ratio does not.
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

/** Median over the rounds of numerator / denominator. */
export function ratio(numerators, denominators) {
  return median(numerators.map((value, index) => value / denominators[index]));
}
