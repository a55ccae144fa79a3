// A failure as it is told: `error:` and `hint:` for people, one document for programs, never a stack unless it was asked for.
import { inspect } from 'node:util';
import { isEphemosError } from 'ephemos/errors';
import { CommandError } from '../command-error.ts';
import type { Context, Format } from '../context.ts';
import { exitCodeOf } from './exit-code.ts';
import { jsonText, printable } from './text.ts';

/** What is told of an error. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/** Reduces anything thrown to what is told. */
export function reportOf(error: unknown): ErrorReport {
  if (error instanceof CommandError || isEphemosError(error)) {
    return { code: error.code, message: error.message, hint: error.hint ?? null };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'ERR_UNEXPECTED', message, hint: 'this is a fault of ephemos itself; EPHEMOS_DEBUG=1 shows where it happened' };
}

/** Prints an error on standard error and returns the exit code it stands for. */
export function printError(error: unknown, format: Format, context: Context): number {
  const report = reportOf(error);
  const exitCode = exitCodeOf(error);
  if (format === 'json') context.printError(`${jsonText({ error: report, exitCode })}\n`);
  else context.printError(`error: ${printable(report.message)}\n${report.hint === null ? '' : `hint: ${printable(report.hint)}\n`}`);
  const { EPHEMOS_DEBUG: debug = '' } = context.env;
  if (debug !== '' && debug !== '0') context.printError(`${inspect(error)}\n`);
  return exitCode;
}
