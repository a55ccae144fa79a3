// Numbers as they are read at a glance.

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `12,345`. */
export function whole(value: number): string {
  return Number.isFinite(value) ? WHOLE.format(value) : '-';
}

/** `3.2/s`, `120/s`, `0/s`; `-` when it is not known. */
export function perSecond(rate: number | undefined): string {
  if (rate === undefined || !Number.isFinite(rate)) return '-';
  if (rate === 0) return '0/s';
  if (rate < 0.1) return '<0.1/s';
  return `${rate < 10 ? rate.toFixed(1) : WHOLE.format(rate)}/s`;
}

/** Seconds as `0.8 ms`, `12 ms` or `1.2 s`; `-` when it is not known. */
export function milliseconds(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return '-';
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  const ms = seconds * 1000;
  return `${ms < 10 ? ms.toFixed(1) : WHOLE.format(ms)} ms`;
}

/** `123 MiB`. */
export function bytes(value: number): string {
  return `${whole(value / 2 ** 20)} MiB`;
}
