// What a failure means to the shell: an error in, one of the exit codes that every command of Ephemos shares out.
import { type ErrorCode, isEphemosError } from 'ephemos/errors';
import { CommandError } from '../command-error.ts';

/** The exit codes of every command, by what they mean. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  config: 3,
  identity: 4,
  differs: 5,
} as const;

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const CONFIG_CODES: ReadonlySet<ErrorCode> = new Set([
  'ERR_AUTHORIZER_INVALID',
  'ERR_ENDPOINT_INVALID',
  'ERR_ENDPOINT_MISSING',
  'ERR_OPTION_INVALID',
  'ERR_SPIFFE_ID_INVALID',
  'ERR_TRUST_DOMAIN_INVALID',
]);
const IDENTITY_CODE = /^ERR_(IDENTITY|PEER)_|^ERR_WORKLOAD_API_PERMISSION_DENIED$/;
// What connecting to a socket says when the address is wrong, as opposed to an agent that is down.
const ADDRESS_CODES: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENOTSOCK', 'EACCES', 'EPERM']);

/** The exit code of a command that ended with this error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  if (!isEphemosError(error)) return exitCodes.failed;
  if (CONFIG_CODES.has(error.code)) return exitCodes.config;
  if (IDENTITY_CODE.test(error.code)) return exitCodes.identity;
  if (error.code === 'ERR_WORKLOAD_API_UNAVAILABLE' && ADDRESS_CODES.has(systemCodeOf(error) ?? '')) return exitCodes.config;
  return exitCodes.failed;
}

/** The code of the system error (`ENOENT`, ...) that an error was caused by. */
export function systemCodeOf(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    if (isEphemosError(cause)) continue;
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}
