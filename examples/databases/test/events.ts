// Waits with a bound.

/** Longest wait for anything, in milliseconds: these machines are slow and shared. */
const PATIENCE_MS = 15_000;

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

/** Asks again and again until the answer passes: for a server that says to nobody when it has read its files. */
export async function untilHolds<T>(ask: () => Promise<T>, passes: (answer: T) => boolean, what: string): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (passes(answer)) return answer;
    if (performance.now() > until) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
  }
}
