// Durations as people write them: `500ms`, `10s`, `1h30m` in, milliseconds out.
import { InvalidArgumentError } from 'commander';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Longest duration that is taken: ten years, the longest life of a certificate that the development agent makes. */
export const MAX_DURATION_MS: number = 3_650 * 86_400_000;
/** Longest wait: what a timer of Node.js holds. */
export const MAX_WAIT_MS: number = 2 ** 31 - 1;

/**
 * Parses a duration greater than zero and at most `most` milliseconds.
 * @throws {InvalidArgumentError} which commander turns into a usage error that names the flag
 */
export function parseDuration(text: string, most: number): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new InvalidArgumentError(
      /^\d+(\.\d+)?$/.test(text) ? `Give it a unit, as in ${text}s.` : 'Write a duration such as 500ms, 10s, 5m or 1h30m.',
    );
  }
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNIT_MS[unit ?? ''] ?? 0), 0);
  if (ms <= 0) throw new InvalidArgumentError('It must be longer than zero.');
  if (ms > most) throw new InvalidArgumentError(`It is at most ${Math.floor(most / 86_400_000)}d.`);
  return ms;
}
