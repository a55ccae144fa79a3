// One value that changes, seen by many: a slow reader skips to the newest, nobody queues.

/** A value with readers. */
export interface Latest<T> {
  set(value: T): void;
  /** Ends every iteration. */
  end(): void;
  /** The newest value each time there is a newer one than the reader saw; starts with the current one. */
  watch(signal?: AbortSignal): AsyncIterable<T>;
}

/** Makes a {@link Latest} without a value. */
export function createLatest<T>(): Latest<T> {
  let current: { readonly value: T } | undefined;
  let ended = false;
  const wakers = new Set<() => void>();

  function wakeAll(): void {
    for (const wake of wakers) wake();
    wakers.clear();
  }

  async function* watch(signal?: AbortSignal): AsyncGenerator<T, void, undefined> {
    let seen: { readonly value: T } | undefined;
    while (!ended && signal?.aborted !== true) {
      if (current !== undefined && current !== seen) {
        seen = current;
        yield seen.value;
      } else {
        await nextChange(signal);
      }
    }
  }

  function nextChange(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        wakers.delete(wake);
        resolve();
      };
      wakers.add(wake);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  return {
    set(value) {
      current = { value };
      wakeAll();
    },
    end() {
      ended = true;
      wakeAll();
    },
    watch,
  };
}
