// How this process does: its source, its listeners and checks of its own in; whether it lives, is ready and has started out.
import type { EphemosError } from 'ephemos/errors';
import type { TrustDomain } from 'ephemos/spiffe';
import { type AddedCheck, type CheckFunction, type CheckOptions, startCheck } from './added-check.ts';
import { checkOf, type HealthStatus, type ProbeName, statusOf } from './check.ts';
import { checkIdentity, type HealthSource } from './identity-checks.ts';

/** The checks of readiness that are always there. */
export const builtInChecks = ['svid', 'bundle', 'listening', 'draining'] as const;

/** What {@link createHealth} takes. */
export interface HealthOptions {
  /** Our identity, when it is there already. */
  readonly source?: HealthSource | undefined;
  /** Our own trust domain; default: that of the SVID. */
  readonly trustDomain?: TrustDomain | undefined;
  /** How often the checks of `addCheck` run, in milliseconds; default 10,000. */
  readonly interval?: number | undefined;
  /** How long one run of them may take, in milliseconds; default 2,000. */
  readonly timeout?: number | undefined;
}

/** How this process does. Every answer is there at once. */
export interface Health extends Disposable {
  /** Whether the process lives. An identity that is missing is nothing that a restart would mend, so it does not count. */
  live(): HealthStatus;
  /** Whether it takes calls: a valid SVID, a bundle to verify callers with, open listeners, no shutdown, and the checks that were added. */
  ready(): HealthStatus;
  /** True once it was ready for the first time, and for good. */
  started(): HealthStatus;
  /** The same three by name. */
  probe(name: ProbeName): HealthStatus;
  /** The identity, once it is there. */
  setSource(source: HealthSource): void;
  /** Why it is not there yet. */
  setWaiting(reason: EphemosError): void;
  /** Whether every listener of the service is open. */
  setListening(listening: boolean): void;
  /** The shutdown has begun: not ready from now on. */
  drain(): void;
  /**
   * Adds a check to readiness; it runs at once, and then at intervals. Returns the way to take it away.
   * @throws {TypeError} for a name that is taken, empty, longer than 63 characters or not of letters, digits, `.`, `_` and `-`
   */
  addCheck(name: string, run: CheckFunction, options?: Partial<CheckOptions>): () => void;
  /** Told in the same turn when readiness changes. Returns the way to stop. What a listener throws is an uncaught exception. */
  onChange(listener: (ready: HealthStatus) => void): () => void;
  /** Stops every check and timer. */
  close(): void;
}

// Longest that a timer of Node.js waits: a longer one would fire at once.
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Makes the health of a process. It keeps no process alive.
 * @example
 * const health = createHealth({ source });
 * health.addCheck('database', ({ signal }) => pool.query({ text: 'select 1', signal }));
 */
export function createHealth(options: HealthOptions = {}): Health {
  const { interval = 10_000, timeout = 2_000 } = options;
  const added = new Map<string, AddedCheck>();
  const listeners = new Set<{ readonly listener: (ready: HealthStatus) => void }>();
  let source: HealthSource | undefined;
  let unsubscribe: (() => void) | undefined;
  let waiting: EphemosError | undefined;
  let { trustDomain } = options;
  let listening = false;
  let draining = false;
  let started = false;
  let wasReady = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  // Every answer is made anew: time may have passed that no timer saw, as when the machine slept.
  function ready(): HealthStatus {
    const now = Date.now();
    const identity = checkIdentity({ source, waiting, trustDomain }, now);
    trustDomain = identity.trustDomain;
    lookAgain(identity.until === undefined ? undefined : identity.until - now);
    const status = statusOf([
      checkOf('svid', identity.svid),
      checkOf('bundle', identity.bundle),
      checkOf('listening', listening ? undefined : 'not every listener is open'),
      checkOf('draining', draining ? 'the process is shutting down' : undefined),
      ...[...added.values()].map(({ latest }) => latest),
    ]);
    if (status.ok !== wasReady) changed(status);
    return status;
  }

  function lookAgain(ms: number | undefined): void {
    clearTimeout(timer);
    timer = ms === undefined || closed ? undefined : setTimeout(ready, Math.min(Math.max(1, ms), MAX_TIMER_MS)).unref();
  }

  function changed(status: HealthStatus): void {
    wasReady = status.ok;
    started ||= status.ok;
    // A copy: one that adds another would be called by it for ever. And one that changes readiness has told the others already.
    for (const entry of [...listeners]) if (listeners.has(entry) && wasReady === status.ok) callOne(() => entry.listener(status));
  }

  function live(): HealthStatus {
    return statusOf([checkOf('process', undefined)]);
  }

  function startedNow(): HealthStatus {
    const status = ready();
    return started ? statusOf([checkOf('started', undefined)]) : status;
  }

  function close(): void {
    closed = true;
    clearTimeout(timer);
    unsubscribe?.();
    for (const check of added.values()) check.stop();
    listeners.clear();
  }

  function setSource(next: HealthSource): void {
    unsubscribe?.();
    source = next;
    unsubscribe = closed ? undefined : next.subscribe(ready);
    ready();
  }

  if (options.source !== undefined) setSource(options.source);
  return {
    live,
    ready,
    started: startedNow,
    probe: (name) => (name === 'live' ? live() : name === 'ready' ? ready() : startedNow()),
    setSource,
    setWaiting(reason) {
      waiting = reason;
    },
    setListening(next) {
      listening = next;
      ready();
    },
    drain() {
      draining = true;
      ready();
    },
    addCheck(name, run, own = {}) {
      if (!isCheckName(name)) throw new TypeError(`${JSON.stringify(name)} is no name of a check`);
      if (isBuiltIn(name) || added.has(name)) throw new TypeError(`there is a check ${JSON.stringify(name)} already`);
      if (closed) throw new TypeError('the health is closed');
      const check = startCheck(name, run, { interval: own.interval ?? interval, timeout: own.timeout ?? timeout, onResult: ready });
      added.set(name, check);
      ready();
      return () => {
        if (added.get(name) !== check) return;
        check.stop();
        added.delete(name);
        ready();
      };
    },
    onChange(listener) {
      const entry = { listener };
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
    close,
    [Symbol.dispose]: close,
  };
}

// A label of a metric and a word of a log line.
function isCheckName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name);
}

function isBuiltIn(name: string): boolean {
  return builtInChecks.some((each) => each === name);
}

function callOne(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
