import { isEphemosError } from 'ephemos/errors';
import { describe, expect, test } from 'vitest';
import { parseGoDuration } from '../../src/config/go-duration.ts';

function refusal(text: string): string {
  try {
    parseGoDuration(text);
  } catch (error) {
    if (isEphemosError(error, 'ERR_CONFIG_INVALID')) return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
    throw error;
  }
  throw new Error(`${text} was taken`);
}

describe('parseGoDuration', () => {
  // The cases of time.ParseDuration's own test that fit milliseconds.
  test.each([
    ['0', 0],
    ['5s', 5_000],
    ['30s', 30_000],
    ['1478s', 1_478_000],
    ['-5s', -5_000],
    ['+5s', 5_000],
    ['-0', 0],
    ['+0', 0],
    ['5.0s', 5_000],
    ['5.6s', 5_600],
    ['5.s', 5_000],
    ['.5s', 500],
    ['1.0s', 1_000],
    ['1.00s', 1_000],
    ['1.004s', 1_004],
    ['1.0040s', 1_004],
    ['100.00100s', 100_001],
    ['10ns', 0.000_01],
    ['11us', 0.011],
    ['12\u00b5s', 0.012],
    ['12\u03bcs', 0.012],
    ['13ms', 13],
    ['14s', 14_000],
    ['15m', 900_000],
    ['16h', 57_600_000],
    ['3h30m', 12_600_000],
    ['10.5s4m', 250_500],
    ['-2m3.4s', -123_400],
    ['1h2m3s4ms5us6ns', 3_723_004.005_006],
    ['39h9m14.425s', 140_954_425],
    ['52763797000ns', 52_763.797],
    ['0.3333333333333333333h', 1_200_000 - 0.000_001],
    ['0.100000000000000000000h', 360_000],
    ['0.830103483285477580700h', 2_988_372.539_827],
    ['0s', 0],
    ['1h30m', 5_400_000],
    ['500ms', 500],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseGoDuration(text)).toBe(milliseconds);
  });

  test.each([
    ['', '"" is not a duration; write it as "30s", "500ms" or "1h30m"'],
    ['3', '"3" is not a duration; write "3s"'],
    ['30', '"30" is not a duration; write "30s"'],
    ['-', '"-" is not a duration; write it as "30s", "500ms" or "1h30m"'],
    ['s', '"s" is not a duration; write it as "30s", "500ms" or "1h30m"'],
    ['.', '"." is not a duration; write it as "30s", "500ms" or "1h30m"'],
    ['.s', '".s" is not a duration; write it as "30s", "500ms" or "1h30m"'],
    ['+.s', '"+.s" is not a duration; write it as "30s", "500ms" or "1h30m"'],
    ['1d', '"1d" is not a duration; write "24h"'],
    ['7 days', '"7 days" is not a duration; write "168h"'],
    ['5 minutes', '"5 minutes" is not a duration; write "5m"'],
    ['30 s', '"30 s" is not a duration; write "30s"'],
    ['30S', '"30S" is not a duration; write "30s"'],
    ['1h30', '"1h30" is not a duration; write it as "30s", "500ms" or "1h30m"'],
    ['1mss', '"1mss" is not a duration; write it as "30s", "500ms" or "1h30m"'],
    ['1e3s', '"1e3s" is not a duration; write it as "30s", "500ms" or "1h30m"'],
    ['5s\n', '"5s\\n" is not a duration; write "5s"'],
    ['--5s', '"--5s" is not a duration; write it as "30s", "500ms" or "1h30m"'],
    ['9223372036854775808ns', 'the duration "9223372036854775808ns" is longer than 292 years'],
    ['3000000h', 'the duration "3000000h" is longer than 292 years'],
    ['1'.repeat(65), 'a duration is at most 64 characters'],
  ])('%j is refused', (text, message) => {
    expect(refusal(text)).toBe(message);
  });
});
