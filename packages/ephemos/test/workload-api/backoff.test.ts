import { describe, expect, it } from 'vitest';
import { createBackoff, FIRST_BACKOFF_MS, LONGEST_BACKOFF_MS } from '../../src/workload-api/backoff.ts';
import { failureOf } from '../support/events.ts';

const never = new AbortController().signal;

describe('a backoff', () => {
  it('doubles from 50 ms to 8 s, each wait between half and the whole of it', () => {
    for (let round = 0; round < 200; round++) {
      const backoff = createBackoff(true);
      for (const whole of [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 8_000, 8_000, 8_000]) {
        const wait = backoff.next();
        expect(wait).toBeGreaterThanOrEqual(whole / 2);
        expect(wait).toBeLessThanOrEqual(whole);
      }
    }
  });

  it('differs from one workload to the next, so that they do not come back together', () => {
    expect(new Set(Array.from({ length: 50 }, () => createBackoff(true).next())).size).toBeGreaterThan(40);
  });

  it('never grows out of its bounds, however many failures there are', () => {
    const backoff = createBackoff(true);
    for (let failure = 0; failure < 5_000; failure++) expect(backoff.next()).toBeLessThanOrEqual(LONGEST_BACKOFF_MS);
  });

  it('starts anew after a reset', () => {
    const backoff = createBackoff(true);
    for (let failure = 0; failure < 10; failure++) backoff.next();
    backoff.reset();
    expect(backoff.next()).toBeLessThanOrEqual(FIRST_BACKOFF_MS);
  });

  it('waits as long as it says', async () => {
    const backoff = createBackoff(true);
    for (const whole of [50, 100]) {
      const startedAt = performance.now();
      await backoff.wait(never);
      // A timer may come a millisecond early.
      expect(performance.now() - startedAt).toBeGreaterThan(whole / 2 - 2);
    }
  });

  it('ends a wait with its signal, and counts it as a failure all the same', async () => {
    const backoff = createBackoff(true);
    for (let failure = 0; failure < 8; failure++) {
      expect(await failureOf(backoff.wait(AbortSignal.abort()))).toMatchObject({ name: 'AbortError' });
    }
    expect(backoff.next()).toBeGreaterThanOrEqual(LONGEST_BACKOFF_MS / 2);
    const stop = new AbortController();
    const startedAt = performance.now();
    const waiting = failureOf(backoff.wait(stop.signal));
    stop.abort();
    expect(await waiting).toMatchObject({ name: 'AbortError' });
    expect(performance.now() - startedAt).toBeLessThan(LONGEST_BACKOFF_MS / 2);
  });
});
