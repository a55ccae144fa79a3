// The development agent, if it is installed: production leaves it out on purpose, because it holds a CA key.
import { CommandError } from '../command-error.ts';
import { exitCodes } from '../output/exit-code.ts';

/** What '@ephemos/dev' exports. */
export type DevPackage = typeof import('@ephemos/dev');

/**
 * Loads '@ephemos/dev'.
 * @throws {CommandError} ERR_PACKAGE_MISSING
 */
export async function loadDev(): Promise<DevPackage> {
  try {
    return await import('@ephemos/dev');
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new CommandError('ERR_PACKAGE_MISSING', 'the development agent is not installed', {
      exitCode: exitCodes.failed,
      hint: 'npm install --save-dev @ephemos/dev',
      cause: error,
    });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes("'@ephemos/dev'");
}
