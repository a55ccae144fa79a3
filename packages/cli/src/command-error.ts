// Failures of the command itself, which no library code stands for.

/** Codes that only the command has, with what they stand for. The README lists them. */
export const commandErrorCodes = {
  ERR_AGENT_NOT_FOUND: 'no development agent runs in the directory',
  ERR_COMMAND_NOT_STARTED: 'the command given to "ephemos dev exec" could not be started',
  ERR_COMMAND_STOPPED: 'the command was stopped before everything was done',
  ERR_ENTRY_NOT_FOUND: 'the SPIRE server has no such registration entry',
  ERR_ENTRY_NOT_OWNED: 'a registration entry belongs to others',
  ERR_ID_NOT_FOUND: 'the development agent has no such identity',
  ERR_IMAGE_NOT_FOUND: 'a registry has no image of that name and tag',
  ERR_PACKAGE_MISSING: 'an optional package is not installed',
  ERR_REGISTRY_FAILED: 'a registry answered with a failure, or with what is no manifest of the image',
  ERR_REGISTRY_REFUSED: 'a registry does not let this caller read an image',
  ERR_REGISTRY_UNREACHABLE: 'a registry could not be reached, or did not answer',
  ERR_SERVER_ADDRESS_INVALID: 'the address of the SPIRE server is malformed',
  ERR_SERVER_ADDRESS_MISSING: 'nothing says where the SPIRE server is',
  ERR_SERVER_FAILED: 'the SPIRE server answered with a failure',
  ERR_SERVER_REFUSED: 'the SPIRE server does not allow this caller what it asks for',
  ERR_SERVER_UNREACHABLE: 'the SPIRE server could not be reached, or did not answer',
  ERR_SPIRE_AGENT_NOT_FOUND: 'the SPIRE server knows no such agent',
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
