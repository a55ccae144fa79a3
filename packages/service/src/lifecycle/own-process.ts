// The process that a service owns: its signals in, its end out. Nothing else in this package prints or exits.
import { exitCodeOf, exitCodes } from 'ephemos/errors';
import { formatFailure } from './format-failure.ts';

/** What signals ask for. */
export interface SignalHandlers {
  /** SIGTERM and SIGINT. */
  readonly stop: (signal: string) => void;
  /** SIGHUP. */
  readonly reload: () => void;
}

/** Listens for signals until the returned function is called. */
export function onSignals({ stop, reload }: SignalHandlers): () => void {
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', reload);
  return () => process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', reload);
}

/** Ends the process for a failure, which is told on standard error. */
export function failProcess(error: unknown): never {
  process.stderr.write(formatFailure(error));
  process.exit(exitCodeOf(error));
}

/** Ends the process in order: what handlers left behind, such as a timer, does not hold it up. */
export function endProcess(): never {
  process.exit(exitCodes.ok);
}
