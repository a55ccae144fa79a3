// One JSON object per line of standard output.

/** @param {object} value */
export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
