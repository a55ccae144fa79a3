// A failure to start, as people read it: what went wrong on one line, and the hint on a second one.
import { findEphemosError } from 'ephemos/errors';

/** With the stack where it is neither a failure of ours nor of the system, and so a bug of somebody. */
export function formatFailure(thrown: unknown): string {
  const ours = findEphemosError(thrown);
  if (ours !== undefined) return `error: ${oneLine(ours.message)}\n${ours.hint === undefined ? '' : `hint: ${oneLine(ours.hint)}\n`}`;
  if (!(thrown instanceof Error)) return `error: ${oneLine(String(thrown))}\n`;
  return `error: ${'syscall' in thrown ? oneLine(thrown.message) : (thrown.stack ?? thrown.message)}\n`;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
