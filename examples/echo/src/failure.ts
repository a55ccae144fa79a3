// How the programs end: whatever went wrong in, an exit code and two lines on standard error out.
import { EphemosError, type ErrorCode, errorCodes, exitCodeOf, exitCodes, findEphemosError } from 'ephemos/errors';

/** A failure that knows how the program ends. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, hint: string | undefined) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Tells what went wrong; returns the exit code for it. */
export function report(error: unknown): number {
  if (error instanceof Failure) return tell(error);
  // fetch keeps our error as a cause of its own; a gRPC status has room for its text only.
  const ours = findEphemosError(error) ?? readStatus(error);
  if (ours !== undefined) {
    // A connection that the other side closes before it answers is how TLS 1.3 shows a refusal to a client.
    const exitCode = ours.code === 'ERR_CONNECT_FAILED' ? exitCodes.identity : exitCodeOf(ours);
    return tell(new Failure(exitCode, ours.message, ours.hint));
  }
  const last = [...causesOf(error)].at(-1);
  const message = last === undefined ? String(error) : last.message || ('code' in last ? String(last.code) : last.name);
  return tell(new Failure(exitCodes.failed, message, 'is the server running, and is that its address?'));
}

function tell({ exitCode, message, hint }: Failure): number {
  for (const [word, text] of Object.entries({ error: message, hint })) {
    if (text !== undefined) process.stderr.write(`${word}: ${text.replace(/\s*\n\s*/g, ' ')}\n`);
  }
  return exitCode;
}

function* causesOf(error: unknown): Generator<Error> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause;
}

function readStatus(error: unknown): EphemosError | undefined {
  const details = error instanceof Error && 'details' in error ? String(error.details) : '';
  const [, code = '', message = '', hint] = /(ERR_[A-Z_]+): (.+?)(?: \(hint: ([^)]+)\)|\. Resolution note|$)/.exec(details) ?? [];
  return isErrorCode(code) ? new EphemosError(code, message, { hint }) : undefined;
}

function isErrorCode(text: string): text is ErrorCode {
  return text in errorCodes;
}
