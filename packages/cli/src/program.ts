// The ephemos command: words in, one command run, an exit code out.
import { Command, CommanderError } from 'commander';
import { CommandError } from './command-error.ts';
import { createAgents } from './commands/agents.ts';
import { createBundle } from './commands/bundle.ts';
import { createConfig } from './commands/config.ts';
import { createDeploy } from './commands/deploy.ts';
import { createDev } from './commands/dev.ts';
import { createDoctor } from './commands/doctor.ts';
import { createEntries } from './commands/entries.ts';
import { createHealth } from './commands/health.ts';
import { describe } from './commands/options.ts';
import { createPolicy } from './commands/policy.ts';
import { createToken } from './commands/token.ts';
import { createTop } from './commands/top.ts';
import { createVerify } from './commands/verify.ts';
import { createWatch } from './commands/watch.ts';
import { createWhoami } from './commands/whoami.ts';
import type { Context, Format } from './context.ts';
import { nearest } from './input/nearest.ts';
import { printError } from './output/error.ts';
import { exitCodes } from './output/exit-code.ts';

/** Runs the command line. Resolves with the exit code; `context.finish` may ask for another one than 0. */
export async function run(words: readonly string[], version: string, context: Context): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = createProgram(version, {
    ...context,
    finish(code) {
      exitCode = code;
    },
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    // The help has been printed: because it was asked for, or because no command was given.
    if (error instanceof CommanderError) return error.code === 'commander.help' ? exitCodes.usage : exitCodes.ok;
    return printError(error, formatOf(words), context);
  }
}

function createProgram(version: string, context: Context): Command {
  const program = new Command('ephemos')
    .description('see, check and try SPIFFE identities')
    .version(version, '-V, --version', 'print the version')
    .enablePositionalOptions();
  for (const create of [
    createWhoami,
    createWatch,
    createVerify,
    createHealth,
    createTop,
    createConfig,
    createPolicy,
    createEntries,
    createAgents,
    createBundle,
    createToken,
    createDeploy,
    createDoctor,
    createDev,
  ])
    program.addCommand(create(context));
  describe(program, {
    examples: [
      'ephemos dev',
      'ephemos dev exec --as spiffe://example.org/web -- ephemos whoami',
      'ephemos verify orders:8443 --id spiffe://example.org/orders',
    ],
    exits: { 5: 'differs, or a warning where --strict asks' },
  });
  settle(program, '', context);
  return program;
}

/** Gives a command and those below it our way of printing and of failing. */
function settle(command: Command, above: string, context: Context): void {
  const path = `${above}${command.name()}`;
  command
    .configureOutput({
      writeOut: (text) => context.print(text),
      writeErr: (text) => context.printError(text),
      // The error that follows is printed once, by us.
      outputError: () => undefined,
    })
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .exitOverride((error) => {
      throw usageError(error, command, path);
    });
  for (const below of command.commands) settle(below, `${path} `, context);
}

function usageError(error: CommanderError, command: Command, path: string): Error {
  if (['commander.helpDisplayed', 'commander.version', 'commander.help'].includes(error.code)) return error;
  const help = `see "${path} --help"`;
  const names = command.commands.map((below) => below.name());
  const [word] = command.args;
  if (word !== undefined && names.length > 0 && ['commander.unknownCommand', 'commander.excessArguments'].includes(error.code)) {
    const near = nearest(word, names);
    return usage(
      `unknown command ${JSON.stringify(word)}`,
      near === undefined ? `${help}; there are ${names.join(', ')}` : `did you mean "${path} ${near}"?`,
    );
  }
  const [, message = '', near] = /^(?:error: )?(.*?)(?:\s*\(Did you mean (.*)\?\))?$/s.exec(error.message) ?? [];
  // What our parsers and the choices of commander add says how to mend it.
  const [, what = message, mend] = /^(.* is invalid(?: for argument '[^']*')?)\. (.*?)\.?$/s.exec(message) ?? [];
  return usage(what, mend === undefined ? (near === undefined ? help : `did you mean ${near}?`) : lowerFirst(mend));
}

function usage(message: string, hint: string): CommandError {
  return new CommandError('ERR_USAGE_INVALID', lowerFirst(message.replaceAll('\n', ' ')).replace(/\.$/, ''), {
    exitCode: exitCodes.usage,
    hint,
  });
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

/** The format that was asked for, also when the rest of the command line is wrong. */
function formatOf(words: readonly string[]): Format {
  const end = words.indexOf('--');
  const own = end === -1 ? words : words.slice(0, end);
  return own.some((word, index) => word === '--format=json' || (word === '--format' && own[index + 1] === 'json')) ? 'json' : 'text';
}
