// ephemos token: how an agent without another proof joins.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { describe } from './options.ts';
import { serverExits } from './server-command.ts';
import { createTokenGenerate } from './token-generate.ts';

/** Makes the command with those below it. */
export function createToken(context: Context): Command {
  const command = new Command('token').description("join tokens of SPIRE's server").addCommand(createTokenGenerate(context));
  return describe(command, { examples: ['ephemos token generate --server unix:///run/spire-server/private/api.sock'], exits: serverExits });
}
