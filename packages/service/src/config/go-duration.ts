// A duration as Go writes it (`1h30m`, `500ms`): text in, milliseconds out. The grammar is that of time.ParseDuration.
import { invalid } from './problem.ts';

/** A duration is at most this many characters. */
export const MAX_DURATION_LENGTH = 64;

const NANOSECONDS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  // The micro sign and the Greek letter, as in Go.
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);
// Go holds a duration in an int64 of nanoseconds, some 292 years.
const MOST = 2n ** 63n - 1n;

/**
 * Parses a Go duration: decimal numbers, each with a unit (`ns`, `us`, `ms`, `s`, `m`, `h`), or `0`.
 * @returns milliseconds; a fraction for what is finer, below zero for what starts with `-`
 * @throws {EphemosError} ERR_CONFIG_INVALID
 */
export function parseGoDuration(text: string): number {
  if (text.length > MAX_DURATION_LENGTH) throw invalid(`a duration is at most ${MAX_DURATION_LENGTH} characters`);
  const [, sign = '', rest = ''] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return 0;
  const part = /(\d*)(?:\.(\d*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;
  let total = 0n;
  do {
    const [, whole = '', fraction = '', unit = ''] = part.exec(rest) ?? [];
    const scale = NANOSECONDS.get(unit);
    if (scale === undefined || whole + fraction === '') throw invalid(`${JSON.stringify(text)} is not a duration`, mendOf(text));
    total += BigInt(whole) * scale + (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
    if (total > MOST) throw invalid(`the duration ${JSON.stringify(text)} is longer than 292 years`);
  } while (part.lastIndex < rest.length);
  const milliseconds = Number(total) / 1e6;
  return sign === '-' && total > 0n ? -milliseconds : milliseconds;
}

function mendOf(text: string): string {
  const compact = text.replace(/\s+/g, '').toLowerCase();
  const [, days] = /^(\d{1,4})d(?:ays?)?$/.exec(compact) ?? [];
  if (days !== undefined) return `write ${JSON.stringify(`${Number(days) * 24}h`)}`;
  const [, number = '', letter = ''] =
    /^(\d+(?:\.\d+)?)(?:(?:(s)ec|(m)in|(h)our).*)?$/.exec(compact)?.filter((each) => each !== undefined) ?? [];
  if (number !== '') return `write ${JSON.stringify(number + (letter === '' ? 's' : letter))}`;
  if (compact !== text && isDuration(compact)) return `write ${JSON.stringify(compact)}`;
  return 'write it as "30s", "500ms" or "1h30m"';
}

function isDuration(text: string): boolean {
  return /^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(text);
}
