// The end of a service in order: not ready, drain delay, no new connections and a goodbye, what is under way, deadline, and then by force.
import { setTimeout as delay } from 'node:timers/promises';
import type { Drainable } from 'ephemos';
import type { Logger } from 'pino';
import type { ShutdownConfig } from '../config/config.ts';

/** What a shutdown works on. */
export interface ShutdownParts {
  readonly timings: ShutdownConfig;
  readonly log: Logger;
  /** Not ready from now on. */
  readonly notReady: () => void;
  /** The drain begins: told to the code of the service. */
  readonly onDrain: () => void;
  readonly listeners: readonly Drainable[];
  /** What calls needed, closed when the last of them has ended. */
  readonly closers: readonly (() => void | Promise<void>)[];
  /** Aborted to force the end. */
  readonly force: AbortSignal;
}

// What is left for everything after the last call: metrics, traces and logs are flushed in that time too.
const CLOSE_MS = 3_000;

/** Runs the shutdown. Never rejects; true when nothing had to be cut off. */
export async function shutDown(parts: ShutdownParts): Promise<boolean> {
  const { timings, log, listeners, force } = parts;
  const startedAt = performance.now();
  parts.notReady();
  log.info({ drain_delay_ms: timings.drainDelay, deadline_ms: timings.deadline }, 'shutting down: not ready from now on');
  await delay(timings.drainDelay, undefined, { signal: force }).catch(() => undefined);
  log.info('draining: no new connections, clients are told to go elsewhere');
  parts.onDrain();
  const drained = await waitUntil(Promise.all(listeners.map((listener) => listener.drain())), timings.deadline, force);
  if (!drained) {
    log.warn(
      { forced: force.aborted },
      force.aborted ? 'the shutdown is forced' : 'the deadline is over: connections that are left are cut off',
    );
    for (const listener of listeners) listener.destroyConnections();
  }
  // In the time that is left until the platform kills the process, but never less than a moment.
  const left = timings.gracePeriod - (performance.now() - startedAt) - CLOSE_MS;
  if (!(await waitUntil(runAll(parts), Math.max(left, 500), force))) log.warn('what the service closes at its end took too long');
  log.info({ clean: drained, duration_ms: Math.round(performance.now() - startedAt) }, 'shut down');
  return drained;
}

async function runAll({ closers, log }: ShutdownParts): Promise<void> {
  for (const close of closers) {
    try {
      await close();
    } catch (err) {
      log.error({ err }, 'a part of the service could not be closed');
    }
  }
}

// True when the work was done in time.
function waitUntil(work: Promise<unknown>, ms: number, force: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(settle, ms, false);
    const onForce = (): void => settle(false);
    force.addEventListener('abort', onForce, { once: true });
    if (force.aborted) return settle(false);
    work.then(
      () => settle(true),
      () => settle(false),
    );
    function settle(done: boolean): void {
      clearTimeout(timer);
      force.removeEventListener('abort', onForce);
      resolve(done);
    }
  });
}
