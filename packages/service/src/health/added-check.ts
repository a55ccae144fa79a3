// A check of the user, run again and again: a function in, the result of its last run out. Nobody ever waits for it.
import { checkOf, type HealthCheck, oneLine } from './check.ts';

/** May give a promise. Fails by throwing, rejecting or giving `false`. The signal is aborted when its time is up. */
export type CheckFunction = (options: { readonly signal: AbortSignal }) => unknown;

/** How a check is run. */
export interface CheckOptions {
  /** From the start of one run to the start of the next, in milliseconds. */
  readonly interval: number;
  /** How long a run may take, in milliseconds. */
  readonly timeout: number;
}

/** A check that runs. */
export interface AddedCheck {
  readonly latest: HealthCheck;
  stop(): void;
}

/** Starts a check. `onResult` is called after each run, and when a run takes too long. One run never overlaps another, however long it takes. */
export function startCheck(name: string, run: CheckFunction, options: CheckOptions & { readonly onResult: () => void }): AddedCheck {
  const { interval, timeout, onResult } = options;
  let latest = added(name, 'it has not run yet');
  let current = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function set(reason: string | undefined): void {
    if (stopped) return;
    latest = added(name, reason);
    onResult();
  }

  async function runOnce(): Promise<void> {
    const began = performance.now();
    current = new AbortController();
    const { signal } = current;
    const limit = setTimeout(() => {
      current.abort(new Error(`the check ${JSON.stringify(name)} took longer than ${timeout} ms`));
      set(`no result within ${timeout} ms`);
    }, timeout).unref();
    const reason = await reasonOf(run, signal);
    clearTimeout(limit);
    if (stopped) return;
    // What comes too late does not count.
    if (!signal.aborted) set(reason);
    timer = setTimeout(() => void runOnce(), Math.max(0, began + interval - performance.now())).unref();
  }

  void runOnce();
  return {
    get latest() {
      return latest;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      current.abort();
    },
  };
}

async function reasonOf(run: CheckFunction, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await run({ signal })) === false ? 'it gave false' : undefined;
  } catch (error) {
    const text = error instanceof Error ? oneLine(error.message) : '';
    return text === '' ? 'it failed without a message' : text;
  }
}

function added(name: string, reason: string | undefined): HealthCheck {
  return Object.freeze({ ...checkOf(name, reason), added: true });
}
