// ephemos dev exec: runs a command as a workload of the development agent. The command takes over the terminal; its exit code is ours.
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import { openControl } from '../dev-agent/control.ts';
import { parseId } from '../input/values.ts';
import { describe, directoryOption, type FormatOption, formatOption } from './options.ts';

interface ExecOptions extends FormatOption {
  readonly as: string;
  readonly directory?: string;
}

// What shells say of a command that is not there, and of one that cannot be run.
const NOT_FOUND = 127;
const NOT_RUNNABLE = 126;

/** Makes the command. */
export function createDevExec(context: Context): Command {
  const command = new Command('exec')
    .description('run a command with an identity of the running development agent')
    .usage('--as <spiffe id> [options] -- <command> [args...]')
    .argument('<command...>', 'the command and its arguments')
    .requiredOption('--as <spiffe id>', 'who the command is; registered when the agent does not know it yet')
    .addOption(directoryOption())
    .addOption(formatOption('errors only; the output is that of the command'))
    .passThroughOptions()
    .action(async (words: readonly string[], options: ExecOptions) => context.finish(await exec(words, options, context)));
  return describe(command, {
    examples: ['ephemos dev exec --as spiffe://example.org/web -- node server.js'],
    exits: {
      0: 'the command ended with 0; else its own exit code, 128 + n when signal n ended it',
      1: 'no agent runs',
      126: 'the command cannot be run',
      127: 'the command was not found',
    },
  });
}

async function exec([file = '', ...args]: readonly string[], { as, directory }: ExecOptions, context: Context): Promise<number> {
  const id = parseId(as, '--as');
  const endpoint = await endpointOf(id.toString(), directory, context);
  const child = spawn(file, args, { stdio: 'inherit', env: { ...context.env, SPIFFE_ENDPOINT_SOCKET: endpoint } });
  const release = context.forwardSignals((signal) => void child.kill(signal));
  try {
    return await exitOf(child, file);
  } finally {
    release();
  }
}

async function endpointOf(id: string, directory: string | undefined, context: Context): Promise<string> {
  await using control = await openControl(directory, context);
  return await control.endpointFor(id);
}

function exitOf(child: ChildProcess, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(notStarted(error, file)));
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

function notStarted(error: Error, file: string): CommandError {
  const missing = 'code' in error && error.code === 'ENOENT';
  return new CommandError(
    'ERR_COMMAND_NOT_STARTED',
    missing ? `the command ${JSON.stringify(file)} was not found` : `the command ${JSON.stringify(file)} cannot be run`,
    {
      exitCode: missing ? NOT_FOUND : NOT_RUNNABLE,
      hint: missing ? 'put "--" before the command, and check its name and PATH' : 'check that it is a program and may be executed',
      cause: error,
    },
  );
}
