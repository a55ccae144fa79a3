// Checks that the commands in a shell block exist: npm scripts, files given to node, paths below deploy/, and `ephemos` with its subcommands and flags.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readJson } from '../lib/workspace.js';
import { readCommands } from './shell.js';

const helpTexts = new Map();

/** What `ephemos PATH... --help` offers: { commands: Set, options: Map of name to whether it takes a value, positional: boolean }. */
function helpOf(path, base) {
  const key = `${base} ${path.join(' ')}`;
  if (!helpTexts.has(key)) {
    const main = join(base, 'packages/cli/dist/main.js');
    const { stdout, status } = spawnSync(process.execPath, [main, ...path, '--help'], {
      encoding: 'utf8',
      timeout: 20_000,
      env: { ...process.env, COLUMNS: '400', NO_COLOR: '1' },
    });
    helpTexts.set(key, status === 0 ? parseHelp(stdout) : undefined);
  }
  return helpTexts.get(key);
}

/** Reads the help that commander writes. */
export function parseHelp(text) {
  const commands = new Set();
  const options = new Map();
  let section = '';
  for (const line of text.split('\n')) {
    section = /^(\w[\w ]*):/.exec(line)?.[1].toLowerCase() ?? section;
    const entry = /^ {2,}(\S.*?)(?: {2,}|$)/.exec(line)?.[1];
    if (entry === undefined || /^ {8,}/.test(line)) continue;
    if (section === 'commands') for (const name of entry.split(' ')[0].split('|')) commands.add(name);
    if (section.endsWith('options'))
      for (const [, name] of entry.matchAll(/(?:^|, )(-{1,2}[\w-]+)/g)) options.set(name, /[<[]/.test(entry));
  }
  return { commands, options, positional: /^Usage:.*[<[](?!options\]|command\])/m.test(text) };
}

/** Problems of `ephemos WORDS...`. */
function* ephemosProblems(words, base) {
  let help = helpOf([], base);
  if (help === undefined) {
    yield 'the ephemos command is not built, or its --help fails';
    return;
  }
  const path = [];
  const options = new Map(help.options);
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i];
    if (word === '--') {
      yield* wordProblems(words.slice(i + 1), base);
      return;
    }
    if (/^\d?[<>]+/.test(word)) return;
    // A dash alone is standard input, and an argument like any other.
    if (word.startsWith('-') && word !== '-') {
      const [name] = word.split('=');
      if (!options.has(name)) yield `ephemos ${path.join(' ')} knows no ${name}`.replace('  ', ' ');
      else if (options.get(name) && !word.includes('=')) i += 1;
    } else if (help.commands.has(word)) {
      path.push(word);
      help = helpOf(path, base);
      if (help === undefined) {
        yield `ephemos ${path.join(' ')} --help fails`;
        return;
      }
      for (const [name, takesValue] of help.options) options.set(name, takesValue);
    } else if (!help.positional) yield `ephemos ${path.join(' ')} knows no ${word}`.replace('  ', ' ');
  }
}

/** Problems of one command, given as its words. */
function* wordProblems(words, base, page) {
  const [command, ...rest] = words;
  if (['sudo', 'exec', 'time', 'env'].includes(command)) yield* wordProblems(rest, base, page);
  if (command === 'npm' || command === 'pnpm') {
    const script = rest[0] === 'test' || rest[0] === 'start' ? rest[0] : rest[0] === 'run' ? rest[1] : undefined;
    if (script !== undefined && readJson(join(base, 'package.json')).scripts?.[script] === undefined)
      yield `package.json has no script '${script}'`;
  }
  if (command === 'npx') yield* wordProblems(rest.slice(rest.findIndex((word) => !word.startsWith('-'))), base, page);
  if (command === 'ephemos' || command === '@ephemos/cli') yield* ephemosProblems(rest, base);
  for (const word of words) if (/^deploy\/[\w./-]+$/.test(word) && !existsSync(join(base, word))) yield `there is no ${word}`;
  if (command === 'node' && page !== undefined) {
    const file = rest.find((word) => !word.startsWith('-'));
    const named = page.blocks.some(
      ({ options }) => options.file !== undefined && [options.file, options.file.replace(/\.ts$/, '.js')].includes(file),
    );
    const places = file === undefined ? [] : [join(base, file), join(dirname(page.path), file)];
    if (/\.[cm]?[jt]s$/.test(file ?? '') && !named && !places.some((path) => existsSync(path))) yield `there is no ${file}`;
  }
}

/** Problems of the commands of a shell block. */
export function* commandProblems(block, { base, page }) {
  for (const words of readCommands(block)) yield* wordProblems(words, base, page);
}
