// ephemos token generate: a token that one agent may join with, once. It alone is printed, for a file or a variable.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Context } from '../context.ts';
import { MAX_DURATION_MS, parseDuration } from '../input/duration.ts';
import { parseId } from '../input/values.ts';
import { jsonText } from '../output/text.ts';
import { describe, type FormatOption, formatOption } from './options.ts';
import { type ServerFlags, serverCommand, serverExits, withServer } from './server-command.ts';

interface GenerateFlags extends ServerFlags, FormatOption {
  /** Milliseconds. */
  readonly ttl: number;
  readonly alias?: string;
}

/** Makes the command. */
export function createTokenGenerate(context: Context): Command {
  const command = serverCommand('generate', 'make a token that one agent may join with, once, and print it')
    .addOption(new Option('--ttl <duration>', 'how long it may be used').argParser(parseTtl).default(600_000, '10m'))
    .option('--alias <spiffe id>', 'a SPIFFE ID for the agent that stays the same with another token, for entries to name as their parent')
    .addOption(formatOption('one document, with its end'))
    .action((flags: GenerateFlags) => generate(flags, context));
  return describe(command, {
    examples: [
      'ephemos token generate --server unix:///run/spire-server/private/api.sock',
      'ephemos token generate --ttl 1h --alias spiffe://example.org/node/db-1 --server spire-server:8081',
    ],
    exits: serverExits,
  });
}

async function generate(flags: GenerateFlags, context: Context): Promise<void> {
  const alias = flags.alias === undefined ? undefined : parseId(flags.alias, '--alias').toString();
  const { value, expiresAt } = await withServer(flags, context, (server) => server.createJoinToken(flags.ttl / 1000, alias));
  context.print(
    flags.format === 'json'
      ? `${jsonText({ token: value, expiresAt: new Date(expiresAt * 1000).toISOString(), alias: alias ?? null }, 2)}\n`
      : `${value}\n`,
  );
}

function parseTtl(text: string): number {
  const ms = parseDuration(text, MAX_DURATION_MS);
  if (ms % 1000 !== 0) throw new InvalidArgumentError('It is in whole seconds.');
  return ms;
}
