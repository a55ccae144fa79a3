import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { MAX_WAIT_MS, parseDuration } from '../../src/input/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text, MAX_WAIT_MS)).toBe(ms);
  });

  it.each(['', '10', '-1s', '1', 's', '1x', '1s 2s', '1ss', '0s', '0ms', '25d', '1e9s', '\u0661s'])('refuses %j', (text) => {
    expect(() => parseDuration(text, MAX_WAIT_MS)).toThrow(InvalidArgumentError);
  });
});
