// A bound for every wait: nothing in the demo takes this long unless it is broken.

const limitMs = 20_000;

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {string} otherwise what to say when it takes too long
 * @param {number} [ms]
 * @returns {Promise<T>}
 */
export async function inTime(promise, otherwise, ms = limitMs) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  try {
    return await Promise.race([
      promise,
      new Promise((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`${otherwise} within ${ms / 1000} s`)), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
