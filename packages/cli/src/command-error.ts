// Failures of the command itself, which no library code stands for.

/** Codes that only the command has, with what they stand for. The README lists them. */
export const commandErrorCodes = {
  ERR_AGENT_NOT_FOUND: 'no development agent runs in the directory',
  ERR_COMMAND_NOT_STARTED: 'the command given to "ephemos dev exec" could not be started',
  ERR_ID_NOT_FOUND: 'the development agent has no such identity',
  ERR_PACKAGE_MISSING: 'an optional package is not installed',
  ERR_UNEXPECTED: 'something failed that should not have: a fault of ephemos',
  ERR_USAGE_INVALID: 'a command, argument or flag is unknown, missing or malformed',
} as const;

/** One of {@link commandErrorCodes}. */
export type CommandErrorCode = keyof typeof commandErrorCodes;

/** A failure of the command, with the exit code it ends with. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: CommandErrorCode;
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(
    code: CommandErrorCode,
    message: string,
    options: { readonly exitCode: number; readonly hint?: string; readonly cause?: unknown },
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.exitCode = options.exitCode;
    this.hint = options.hint;
  }
}
