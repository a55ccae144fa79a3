// Waits for what emitters emit, with a bound on every wait.
import { type EventEmitter, once } from 'node:events';
import { Stream } from 'node:stream';

/** Longest wait for anything, in milliseconds: these machines are slow and shared. */
export const PATIENCE_MS = 10_000;

/**
 * The arguments of the next event of this name. Fails on 'error' like `once` of node:events, except for 'close': an error on the way there
 * is none of the waiting, and what has closed already is not waited for.
 */
export async function next(emitter: EventEmitter, event: string, within: number = PATIENCE_MS): Promise<readonly unknown[]> {
  if (event === 'close') return bounded(closeOf(emitter), `'close'`, within);
  try {
    const args: readonly unknown[] = await once(emitter, event, { signal: AbortSignal.timeout(within) });
    return args;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw new Error(`no '${event}' within ${within} ms`);
    throw error;
  }
}

function closeOf(emitter: EventEmitter): Promise<readonly unknown[]> {
  return new Promise((resolve) => {
    if ('closed' in emitter && emitter instanceof Stream && emitter.closed === true) return resolve([]);
    emitter.on('error', () => undefined).once('close', (...args: readonly unknown[]) => resolve(args));
  });
}

/** The promise, or a failure after a while. */
export async function bounded<T>(promise: Promise<T>, what: string, within: number = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${within} ms`)), within);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome) return outcome.error;
  throw new Error('it should have failed');
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves in the first turn in which the condition holds: for state that tells nobody when it changes. */
export async function untilHolds(condition: () => boolean, what: string, within: number = PATIENCE_MS): Promise<void> {
  const until = performance.now() + within;
  while (!condition()) {
    if (performance.now() > until) throw new Error(`${what}: not within ${within} ms`);
    await nextTurn();
  }
}

/** A promise that is settled from outside (Promise.withResolvers is not in Node 20). */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
}

export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve: (value) => resolve(value) };
}

/** The first error of an emitter; what it emits after that is of no interest. */
export async function nextError(emitter: EventEmitter): Promise<Error> {
  const first = new Promise<Error>((resolve) => emitter.on('error', resolve));
  return bounded(first, 'error');
}

/** The codes of an error and of all its causes. */
export function causesOf(error: unknown): readonly unknown[] {
  if (!(error instanceof Error)) return [];
  return ['code' in error ? error.code : error.message, ...causesOf(error.cause)];
}
