// Waits for what another program brings about.
const pauseMs = 50;

/**
 * Asks again and again until the answer holds, and returns it. Throws when it never does, and what the question throws.
 * @template T
 * @param {() => T | Promise<T>} ask
 * @param {{ timeout: number, what: string | (() => string) }} options timeout: ms
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(ask, { timeout, what }) {
  const deadline = performance.now() + timeout;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`no ${typeof what === 'string' ? what : what()} within ${timeout / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
