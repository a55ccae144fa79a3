// What a failure means to the shell: an error in, one of the exit codes that every program of Ephemos shares out.
import { exitCodeOf as exitCodeOfError } from 'ephemos/errors';
import { CommandError } from '../command-error.ts';

export { type ExitCode, exitCodes, systemCodeOf } from 'ephemos/errors';

/** The exit code of a command that ended with this error. */
export function exitCodeOf(error: unknown): number {
  return error instanceof CommandError ? error.exitCode : exitCodeOfError(error);
}
