// What every command that asks SPIRE's server shares: the flags that say where it is and who comes, and the way to it.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { parseId } from '../input/values.ts';
import type { SpireServer } from '../spire-server/server.ts';
import { socketOption, timeoutOption } from './options.ts';

/** The flags of every one of them. */
export interface ServerFlags {
  readonly server?: string;
  readonly socket?: string;
  readonly as?: string;
  readonly timeout: number;
}

/** Makes a command with the shared flags. */
export function serverCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option(
      '--server <address>',
      'unix:///path of the admin socket of spire-server, or host:port to come with an admin SVID (default: SPIRE_SERVER_ADDRESS)',
    )
    .addOption(socketOption())
    .option('--as <spiffe id>', 'the admin SVID to come with, when the Workload API gives several')
    .addOption(timeoutOption('how long one answer may take'));
}

/** What the exit codes of these commands mean beyond the common ones. */
export const serverExits = {
  1: 'failed, or the server does not answer',
  3: 'config: the address of the server; a socket that is not there or may not be opened',
  4: 'refused: not an admin; or no identity issued',
} as const;

/** Asks the server. */
export async function withServer<T>(
  { server, socket, as, timeout }: ServerFlags,
  { env }: Context,
  run: (server: SpireServer) => Promise<T>,
): Promise<T> {
  const { resolveServer } = await import('../spire-server/address.ts');
  const { openServer } = await import('../spire-server/open-server.ts');
  const address = resolveServer(server, env);
  const id = as === undefined ? undefined : parseId(as, '--as').toString();
  await using open = await openServer({ address, socket, as: id, timeout });
  return await run(open);
}
