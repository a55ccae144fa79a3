import { describe, expect, it } from 'vitest';
import { createLatestValue } from '../../src/registry/latest-value.ts';

describe('a latest value', () => {
  it('gives a watcher the current value first and then the newest only', async () => {
    const latest = createLatestValue(1);
    const watch = latest.watch();
    expect((await watch.next()).value).toBe(1);
    latest.set(2);
    latest.set(3);
    expect((await watch.next()).value).toBe(3);
    const pending = watch.next();
    latest.set(4);
    expect((await pending).value).toBe(4);
  });

  it('ends a watcher that waits when its signal aborts', async () => {
    const stop = new AbortController();
    const watch = createLatestValue(1).watch(stop.signal);
    await watch.next();
    const pending = watch.next();
    stop.abort();
    expect((await pending).done).toBe(true);
  });

  it('counts a value as taken when every watcher has come back for more', async () => {
    const latest = createLatestValue(1);
    const watch = latest.watch();
    await watch.next();
    let taken = false;
    const waiting = latest.taken(60_000).then(() => {
      taken = true;
    });
    await Promise.resolve();
    expect(taken).toBe(false);
    const pending = watch.next();
    await waiting;
    latest.set(2);
    await pending;
    await expect(latest.taken(1)).resolves.toBeUndefined();
  });

  it('does not wait for a watcher that left or whose signal aborted, even while it holds a value', async () => {
    const latest = createLatestValue(1);
    const stop = new AbortController();
    await latest.watch(stop.signal).next();
    const left = latest.watch();
    await left.next();
    await left.return();
    stop.abort();
    const start = performance.now();
    await latest.taken(60_000);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
