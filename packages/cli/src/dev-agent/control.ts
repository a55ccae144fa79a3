// Finds the development agent that runs in a directory, for the commands that ask it for something.

import type { DevAgentControl } from '@ephemos/dev';
import { isEphemosError } from 'ephemos/errors';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import { exitCodes, systemCodeOf } from '../output/exit-code.ts';
import { agentDirectory } from './directory.ts';
import { loadDev } from './load.ts';

/**
 * Opens the control of the agent in a directory.
 * @throws {CommandError} ERR_AGENT_NOT_FOUND, ERR_PACKAGE_MISSING
 * @throws {EphemosError} ERR_OPTION_INVALID when the directory is not safe
 */
export async function openControl(directory: string | undefined, { env }: Context): Promise<DevAgentControl> {
  const { openDevAgentControl } = await loadDev();
  const path = agentDirectory(directory, env);
  try {
    return await openDevAgentControl(path);
  } catch (error) {
    const absent = isEphemosError(error, 'ERR_WORKLOAD_API_UNAVAILABLE') || systemCodeOf(error) === 'ENOENT';
    if (!absent) throw error;
    throw new CommandError('ERR_AGENT_NOT_FOUND', `no development agent runs in ${path}`, {
      exitCode: exitCodes.failed,
      hint: 'start one with "ephemos dev", or name the directory of the one that runs with --directory',
      cause: error,
    });
  }
}
