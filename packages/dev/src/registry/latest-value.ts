// A value that changes, and any number of watchers that see the newest one only.

/** A value with watchers. A slow watcher misses what was replaced meanwhile; nothing is queued. */
export interface LatestValue<T> {
  readonly current: T;
  set(value: T): void;
  /** The current value, then every newer one, until `signal` aborts. */
  watch(signal?: AbortSignal): AsyncGenerator<T, void, undefined>;
  /** Resolves once every watcher has come back for more since the last `set`, or after `timeoutMs`. */
  taken(timeoutMs: number): Promise<void>;
}

interface Watcher {
  seen: number;
}

/** A value that starts as `initial`. */
export function createLatestValue<T>(initial: T): LatestValue<T> {
  let current = initial;
  let version = 1;
  const watchers = new Set<Watcher>();
  const waiting = new Set<() => void>();

  function wake(): void {
    for (const resume of [...waiting]) resume();
  }

  /** Until the next wake, an abort or the timeout. */
  function pause(signal: AbortSignal | undefined, timeoutMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(resume, timeoutMs);
      function resume(): void {
        clearTimeout(timer);
        waiting.delete(resume);
        signal?.removeEventListener('abort', resume);
        resolve();
      }
      waiting.add(resume);
      signal?.addEventListener('abort', resume, { once: true });
      if (signal?.aborted) resume();
    });
  }

  async function* watch(signal?: AbortSignal): AsyncGenerator<T, void, undefined> {
    const watcher: Watcher = { seen: 0 };
    // A reader that was cut off may never come back for more: its signal alone must take it off the list.
    function leave(): void {
      watchers.delete(watcher);
      wake();
    }
    watchers.add(watcher);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      while (!signal?.aborted) {
        if (watcher.seen === version) {
          await pause(signal);
          continue;
        }
        const taking = version;
        yield current;
        watcher.seen = taking;
        wake();
      }
    } finally {
      signal?.removeEventListener('abort', leave);
      leave();
    }
  }

  return {
    get current() {
      return current;
    },
    set(value) {
      current = value;
      version += 1;
      wake();
    },
    watch,
    async taken(timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      while ([...watchers].some(({ seen }) => seen !== version)) {
        const left = deadline - performance.now();
        if (left <= 0) return;
        await pause(undefined, left);
      }
    },
  };
}
