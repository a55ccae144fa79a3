import { describe, expect, it } from 'vitest';
import { createPace, secondsOf } from '../../../src/deploy/monitoring/pace.ts';

describe('createPace', () => {
  it('leaves lengths as they are at pace 1', () => {
    expect([createPace().length('5m'), createPace().seconds('5m')]).toEqual(['5m', 300]);
  });

  it('divides them, down to a second', () => {
    const pace = createPace(30);
    expect([pace.length('5m'), pace.length('15m'), pace.length('10s'), pace.seconds('1d')]).toEqual(['10s', '30s', '1s', 2880]);
  });
});

describe('secondsOf', () => {
  it('takes whole numbers of one unit', () => {
    expect([secondsOf('90s'), secondsOf('2m'), secondsOf('168h'), secondsOf('7d')]).toEqual([90, 120, 604_800, 604_800]);
    expect(() => secondsOf('1.5h')).toThrow(TypeError);
  });
});
