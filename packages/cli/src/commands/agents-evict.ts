// ephemos agents evict: an agent is forgotten by the server, and so loses what it has.
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import { parseId } from '../input/values.ts';
import { exitCodes } from '../output/exit-code.ts';
import { jsonText } from '../output/text.ts';
import { describe, type FormatOption, formatOption } from './options.ts';
import { type ServerFlags, serverCommand, serverExits, withServer } from './server-command.ts';

interface EvictFlags extends ServerFlags, FormatOption {}

/** Makes the command. */
export function createAgentsEvict(context: Context): Command {
  const command = serverCommand('evict', 'make a server forget an agent; one that can attest again may come back')
    .argument('<spiffe id>', 'the agent')
    .addOption(formatOption('one document'))
    .action((id: string, flags: EvictFlags) => evict(id, flags, context));
  return describe(command, {
    examples: [
      'ephemos agents evict spiffe://example.org/spire/agent/join_token/6d6e9f7e-50d2-4f52-8b9f-6a0c4bd4b3a1 --server unix:///run/spire-server/private/api.sock',
    ],
    exits: { ...serverExits, 1: 'there is no such agent, or the server does not answer' },
  });
}

async function evict(text: string, flags: EvictFlags, context: Context): Promise<void> {
  const id = parseId(text, 'the agent');
  if (!id.path.startsWith('/spire/agent/')) {
    throw new CommandError('ERR_USAGE_INVALID', `${id} is no ID of an agent`, {
      exitCode: exitCodes.usage,
      hint: 'it has a path that begins with "/spire/agent/"; see "ephemos agents list"',
    });
  }
  const there = await withServer(flags, context, (server) => server.evictAgent(id.toString()));
  if (!there) {
    throw new CommandError('ERR_SPIRE_AGENT_NOT_FOUND', `the server knows no agent ${id}`, {
      exitCode: exitCodes.failed,
      hint: 'see "ephemos agents list"',
    });
  }
  context.print(flags.format === 'json' ? `${jsonText({ evicted: id.toString() }, 2)}\n` : `evicted ${id}\n`);
}
