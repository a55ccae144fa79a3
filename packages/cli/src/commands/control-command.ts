// What `ephemos dev rotate`, `withdraw`, `restore` and `list` share: flags, the way to the running agent, and how they answer.

import type { DevAgentControl } from '@ephemos/dev';
import { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import { openControl } from '../dev-agent/control.ts';
import { exitCodes } from '../output/exit-code.ts';
import { jsonText } from '../output/text.ts';
import { directoryOption, type FormatOption, formatOption } from './options.ts';

/** The flags of every one of them. */
export interface ControlOptions extends FormatOption {
  readonly directory?: string;
}

/** What a command tells: a sentence for people, a document for programs. */
export interface Told {
  readonly text: string;
  readonly json: object;
}

/** Makes a command with the shared flags. */
export function controlCommand(name: string, description: string): Command {
  return new Command(name).description(description).addOption(directoryOption()).addOption(formatOption('one document'));
}

/** Asks the running agent and prints what came of it. */
export async function ask(
  context: Context,
  { directory, format }: ControlOptions,
  run: (control: DevAgentControl) => Promise<Told>,
): Promise<void> {
  await using control = await openControl(directory, context);
  const { text, json } = await run(control);
  context.print(format === 'json' ? `${jsonText(json, 2)}\n` : `${text}\n`);
}

/** The agent does not know this ID. */
export function unknownId(id: string): CommandError {
  return new CommandError('ERR_ID_NOT_FOUND', `the agent has no identity ${id}`, {
    exitCode: exitCodes.failed,
    hint: 'see "ephemos dev list"',
  });
}
