// Moments and spans of time as people read them. Moments are UTC, so that logs of several machines can be laid side by side.

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** `2026-01-31 09:30:00Z`. */
export function moment(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** `09:30:00Z`. */
export function timeOfDay(time: number): string {
  return `${new Date(time).toISOString().slice(11, 19)}Z`;
}

/** The two largest units: `59 min 58 s`, `1 d 2 h`; below a second `450 ms`. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.floor(ms))} ms`;
  const first = UNITS.findIndex(([, unit]) => ms >= unit);
  let rest = ms;
  const parts: string[] = [];
  for (const [name, unit] of UNITS.slice(first, first + 2)) {
    const whole = Math.floor(rest / unit);
    rest -= whole * unit;
    if (whole > 0) parts.push(`${whole} ${name}`);
  }
  return parts.join(' ');
}

/** `59 min 58 s left`, or `expired 3 s ago`. */
export function lifeLeft(notAfter: number, now: number): string {
  return now > notAfter ? `expired ${span(now - notAfter)} ago` : `${span(notAfter - now)} left`;
}
