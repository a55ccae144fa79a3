// ephemos agents: the agents of a SPIRE server.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { createAgentsEvict } from './agents-evict.ts';
import { createAgentsList } from './agents-list.ts';
import { describe } from './options.ts';
import { serverExits } from './server-command.ts';

/** Makes the command with those below it. */
export function createAgents(context: Context): Command {
  const command = new Command('agents')
    .description("see and evict the agents of SPIRE's server")
    .addCommand(createAgentsList(context))
    .addCommand(createAgentsEvict(context));
  return describe(command, { examples: ['ephemos agents list --server unix:///run/spire-server/private/api.sock'], exits: serverExits });
}
