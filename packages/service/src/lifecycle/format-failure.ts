// A failure to start, as people read it: what went wrong on one line, and the hint on a second one.
import { isEphemosError } from 'ephemos/errors';

/** With the stack where it is no failure of ours, and so a bug of somebody. */
export function formatFailure(error: unknown): string {
  if (!isEphemosError(error)) return `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
  return `error: ${error.message}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`;
}
