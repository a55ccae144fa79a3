// How fast the time of the rules goes: every length of time that stands in a rule in, the same or a fraction of it out. Drills make a fault, and cannot
// wait for ten minutes; the rules that ship are made at pace 1.

/** A length of time in whole units of Prometheus. */
export type Length = `${number}${'s' | 'm' | 'h' | 'd'}`;

/** Lengths of time at one pace. */
export interface Pace {
  /** As Prometheus writes it: `5m`, or `10s` at a thirtieth. */
  length(given: Length): string;
  /** The same in seconds, for what is compared with a number. */
  seconds(given: Length): number;
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** @param divisor what every length is divided by */
export function createPace(divisor = 1): Pace {
  const seconds = (given: Length): number => secondsOf(given) / divisor;
  return {
    seconds,
    length: (given) => (divisor === 1 ? given : `${Math.max(1, Math.round(seconds(given)))}s`),
  };
}

/** Seconds in a length. */
export function secondsOf(given: Length): number {
  const [, digits, unit] = /^(\d+)([smhd])$/.exec(given) ?? [];
  if (digits === undefined || (unit !== 's' && unit !== 'm' && unit !== 'h' && unit !== 'd')) {
    throw new TypeError(`${given} is no whole number of s, m, h or d`);
  }
  return Number(digits) * UNITS[unit];
}
