// What has to hold, or the case fails with the text.

/**
 * @param {unknown} holds
 * @param {string} otherwise
 */
export function must(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}
