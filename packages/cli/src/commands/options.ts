// Flags that several commands share, each made here once, and the last part of every --help.
import { type Command, Option } from 'commander';
import type { Format } from '../context.ts';
import { MAX_WAIT_MS, parseDuration } from '../input/duration.ts';

/** What --format gives. */
export interface FormatOption {
  readonly format: Format;
}

/** `--format text|json`. */
export function formatOption(json: string): Option {
  return new Option('--format <format>', `text for people, json for programs (${json})`).choices(['text', 'json']).default('text');
}

/** `--socket`. */
export function socketOption(): Option {
  return new Option('--socket <endpoint>', 'Workload API endpoint, unix:///path or tcp://ip:port (default: SPIFFE_ENDPOINT_SOCKET)');
}

/** `--timeout`, ten seconds unless it says otherwise. */
export function timeoutOption(what: string): Option {
  return new Option('--timeout <duration>', what).argParser((text) => parseDuration(text, MAX_WAIT_MS)).default(10_000, '10s');
}

/** `--directory` of a development agent. */
export function directoryOption(): Option {
  return new Option(
    '--directory <path>',
    'where the agent has its sockets (default: ephemos-<uid>, under XDG_RUNTIME_DIR or the temporary directory)',
  );
}

const EXIT_CODES: Readonly<Record<number, string>> = {
  0: 'ok',
  1: 'failed, or a finding',
  2: 'usage: unknown or malformed command, argument or flag',
  3: 'config: endpoint, trust domain, SPIFFE ID, directory',
  4: 'no identity, or refused',
};

/** Ends the help of a command with examples and its exit codes. `exits` replaces or adds meanings. */
export function describe(
  command: Command,
  help: { readonly examples: readonly string[]; readonly exits?: Readonly<Record<number, string>> },
): Command {
  const exits = Object.entries({ ...EXIT_CODES, ...help.exits }).map(([code, meaning]) => `  ${code.padEnd(5)}${meaning}`);
  return command.addHelpText(
    'after',
    `\nExamples:\n${help.examples.map((example) => `  $ ${example}`).join('\n')}\n\nExit codes:\n${exits.join('\n')}`,
  );
}
