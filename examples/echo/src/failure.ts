// How the programs end: whatever went wrong in, an exit code and two lines on standard error out.
import { isEphemosError } from 'ephemos/errors';
import { ConfigError } from './config-file.ts';

/** The exit codes, the same as those of the `ephemos` command. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, config: 3, refused: 4 } as const;

/** A mistake on the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface Failure {
  readonly exitCode: number;
  readonly message: string;
  readonly hint: string;
}

/** Tells what went wrong; returns the exit code for it. */
export function report(error: unknown, usage: string): number {
  const { exitCode, message, hint } = explain(error, usage);
  process.stderr.write(`error: ${oneLine(message)}\nhint: ${oneLine(hint)}\n`);
  return exitCode;
}

function explain(error: unknown, usage: string): Failure {
  if (error instanceof UsageError) return { exitCode: exitCodes.usage, message: error.message, hint: usage };
  if (error instanceof ConfigError) return { exitCode: exitCodes.config, message: error.message, hint: error.hint };
  const chain = [...causes(error)];
  // fetch and node:https keep our error as a cause of theirs; a gRPC status has room for text only.
  const ours = chain.find((cause) => isEphemosError(cause));
  if (ours !== undefined) return identityFailure(ours.code, ours.message, ours.hint);
  const [, code, said = '', advice] = /(ERR_[A-Z_]+): (.+?)(?: \(hint: ([^)]+)\)|\. Resolution note|$)/.exec(detailsOf(error)) ?? [];
  if (code !== undefined) return identityFailure(code, said, advice);
  const last = chain.at(-1);
  const message = last === undefined ? String(error) : last.message || String('code' in last ? last.code : last.name);
  const syscall = last !== undefined && 'syscall' in last ? String(last.syscall) : '';
  const hint = hints.get(syscall) ?? 'is the server running, and is that its address?';
  return { exitCode: exitCodes.failed, message, hint };
}

const hints: ReadonlyMap<string, string> = new Map([
  ['listen', 'change listen or health.address in the configuration'],
  ['getaddrinfo', 'check the name of the host'],
]);

// A connection that the other side closes before it answers is how TLS 1.3 shows a refusal to a client.
function identityFailure(code: string, message: string, hint = 'see the log of the other side'): Failure {
  const refused = code === 'ERR_CONNECT_FAILED' || /^ERR_(PEER|IDENTITY|WORKLOAD_API)_/.test(code);
  return { exitCode: refused ? exitCodes.refused : exitCodes.failed, message: `${message} (${code})`, hint };
}

function* causes(error: unknown): Generator<Error> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause;
}

function detailsOf(error: unknown): string {
  return error instanceof Error && 'details' in error ? String(error.details) : '';
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
