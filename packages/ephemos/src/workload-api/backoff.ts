// How long to wait before the next attempt: exponential with jitter (SPIFFE_Workload_Endpoint.md appendix A).
import { setTimeout as wait } from 'node:timers/promises';

/** First wait, in milliseconds: SPIRE answers PermissionDenied for a moment when an authority is tainted, and has new SVIDs right after it. */
export const FIRST_BACKOFF_MS = 50;
/** Longest wait, in milliseconds: a service is back within 10 s of its agent. */
export const LONGEST_BACKOFF_MS = 8_000;

/** Counts failures in a row and waits accordingly. */
export interface Backoff {
  /** How long to wait after one more failure, in milliseconds. */
  next(): number;
  /** Waits that long; rejects with the signal's reason when that is aborted. */
  wait(signal: AbortSignal): Promise<void>;
  reset(): void;
}

/**
 * Doubles from 50 ms to 8 s; each wait is between half and the whole of it, so that workloads which lost their agent together do not return together.
 * @param keepsAlive whether a wait keeps the process alive
 */
export function createBackoff(keepsAlive: boolean): Backoff {
  let failures = 0;

  function next(): number {
    const longest = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures);
    failures = Math.min(failures + 1, 16);
    return longest * (0.5 + Math.random() / 2);
  }

  return {
    next,
    wait: (signal) => wait(next(), undefined, { signal, ref: keepsAlive }),
    reset() {
      failures = 0;
    },
  };
}
