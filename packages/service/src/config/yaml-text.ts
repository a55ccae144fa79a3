// The text of a YAML file in; its value, every problem of its form, and the place of each key out.
import { Composer, type CST, type Document, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, Parser, type YAMLError } from 'yaml';
import type { KeyPath } from './problem.ts';
import { checkText, isSecret } from './text-check.ts';

/** Mappings and lists may stand in each other this often. */
export const MAX_DEPTH = 32;
/** A file may use this many aliases, and one alias may not stand for more than this many, counted through others. */
export const MAX_ALIASES = 100;

/** A place in a text, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A problem of the form of a file. */
export interface YamlProblem extends Position {
  readonly path: KeyPath;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A YAML file, read. */
export interface YamlText {
  /** Plain values; `undefined` when the text is not YAML at all. */
  readonly value: unknown;
  readonly problems: readonly YamlProblem[];
  /** Where the key or its value is; for what is not there, the nearest key above it. */
  position(path: KeyPath, at: 'key' | 'value'): Position;
}

/** Reads one document. Duplicate keys are looked for here: the search of the yaml package takes the square of their number. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.max(0, offset));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const composed = compose(text, lines);
  if ('failures' in composed) {
    const problems = composed.failures.map(({ offset, ...failure }) => ({ ...at(offset), ...failure }));
    return { value: undefined, problems, position: () => ({ line: 1, column: 1 }) };
  }
  const { document } = composed;
  const found = inspect(document);
  return {
    value: found.value,
    problems: found.problems.map(({ offset, ...problem }) => ({ ...at(offset), ...problem })),
    position: (path, which) => at(offsetOf(document, path, which)),
  };
}

type Composed = { readonly document: Document.Parsed } | { readonly failures: readonly Found[] };

function compose(text: string, lines: LineCounter): Composed {
  const composer = new Composer({
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: true,
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
  });
  const reading = { lastQuote: 0 };
  try {
    const [document, second] = take(composer.compose(tokensOf(text, lines, reading), true, text.length), 2);
    if (document === undefined) return { failures: [{ offset: 0, path: [], message: 'there is no document in this file' }] };
    const failures = [...document.errors, ...document.warnings].map(
      (error): Found => ({ offset: isOpenQuote(error) ? reading.lastQuote : error.pos[0], path: [], ...describe(error) }),
    );
    if (second !== undefined) {
      const [offset] = second.range;
      failures.push({ offset, path: [], message: 'there is more than one document in this file', hint: 'keep one, and no "---" after it' });
    }
    return failures.length === 0 ? { document } : { failures };
  } catch (error) {
    if (!(error instanceof NestedTooDeep)) throw error;
    return { failures: [{ offset: error.offset, path: [], message: `nested more than ${MAX_DEPTH} deep` }] };
  }
}

class NestedTooDeep extends RangeError {
  readonly offset: number;

  constructor(offset: number) {
    super();
    this.offset = offset;
  }
}

// The composer of the yaml package recurses, and a stack that overflows inside a regular expression ends the process (Node 20).
function* tokensOf(text: string, lines: LineCounter, reading: { lastQuote: number }): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    // A quote that is not closed takes in the rest of the file, and is so the last.
    if (lexeme.startsWith('"') || lexeme.startsWith("'")) reading.lastQuote = parser.offset;
    yield* parser.next(lexeme);
    // The document and the value that is being read stand there too.
    if (parser.stack.length > MAX_DEPTH + 2) throw new NestedTooDeep(parser.offset);
  }
  yield* parser.end();
}

function take<T>(values: Iterable<T>, most: number): readonly T[] {
  const taken: T[] = [];
  for (const value of values) {
    taken.push(value);
    if (taken.length === most) break;
  }
  return taken;
}

interface Found {
  readonly offset: number;
  readonly path: KeyPath;
  readonly message: string;
  readonly hint?: string;
}

function inspect(document: Document.Parsed): { readonly value: unknown; readonly problems: readonly Found[] } {
  const problems: Found[] = [];
  const aliases: number[] = [];
  // What must not be turned into a value: it would not end, or not fit into memory.
  let usable = true;
  const report = (node: unknown, path: KeyPath, message: string, hint?: string): void => {
    problems.push({ offset: startOf(node), path, message, ...(hint === undefined ? {} : { hint }) });
  };
  const refuse = (...problem: Parameters<typeof report>): void => {
    report(...problem);
    usable = false;
  };

  function visit(node: unknown, path: KeyPath): void {
    if (isMap(node)) {
      const seen = new Map<string, number>();
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : '';
        const other = seen.get(name);
        if (other !== undefined) report(key, [...path, name], 'this key is there twice', 'remove one of the two');
        else seen.set(name, startOf(key));
        // It would be named in every other problem of this key.
        if (isSecret(name)) refuse(key, path, 'a key here looks like a secret', 'remove it');
        visit(value, [...path, name]);
      }
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) visit(item, [...path, index]);
    } else if (isAlias(node)) {
      aliases.push(startOf(node));
      if (aliases.length > MAX_ALIASES) return;
      const target = node.resolve(document);
      if (target === undefined) refuse(node, path, 'there is no anchor of this name before this alias');
      else if (startOf(target) <= startOf(node) && endOf(target) >= endOf(node))
        refuse(node, path, 'an alias stands in what it stands for');
    } else if (isScalar(node) && typeof node.value === 'string') {
      const problem = checkText(node.value);
      if (problem !== undefined) report(node, path, problem.message, problem.hint);
    }
  }

  visit(document.contents, []);
  const [firstAlias = 0] = aliases;
  const tooMany = {
    offset: firstAlias,
    path: [],
    message: `the aliases stand for more than ${MAX_ALIASES} copies`,
    hint: 'write the values out',
  };
  if (aliases.length > MAX_ALIASES) return { value: undefined, problems: [...problems, tooMany] };
  if (!usable) return { value: undefined, problems };
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES + 1 }), problems };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return { value: undefined, problems: [...problems, tooMany] };
  }
}

function offsetOf(document: Document.Parsed, path: KeyPath, which: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = path.length === 0 ? startOf(node) : 0;
  for (const [index, segment] of path.entries()) {
    const parent: unknown = isAlias(node) ? node.resolve(document) : node;
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === segment);
      if (pair === undefined) return offset;
      const last = index === path.length - 1;
      offset = startOf(last && which === 'value' ? pair.value : pair.key);
      node = pair.value;
    } else if (isSeq(parent) && typeof segment === 'number' && segment < parent.items.length) {
      node = parent.items[segment];
      offset = startOf(node);
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number {
  return rangeOf(node)[0];
}

function endOf(node: unknown): number {
  return rangeOf(node)[1];
}

function rangeOf(node: unknown): readonly [number, number] {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return [0, 0];
  return [Number(node.range[0]), Number(node.range[1])];
}

function isOpenQuote({ code, message }: YAMLError): boolean {
  return code === 'MISSING_CHAR' && message.startsWith('Missing closing');
}

function describe(error: YAMLError): { readonly message: string; readonly hint?: string } {
  if (isOpenQuote(error)) return { message: 'this quote is never closed' };
  const { code, message } = error;
  // What follows the colon would be the text of the file, which may hold anything.
  const plain = `this is not valid YAML: ${decapitalize(message.replace(/(?<=\w): .*$/s, '').replace(/\.$/, ''))}`;
  switch (code) {
    case 'TAB_AS_INDENT':
      return { message: 'a tab is not allowed as indentation', hint: 'indent with spaces' };
    case 'TAG_RESOLVE_FAILED':
      return { message: 'a tag is not allowed here', hint: 'remove the word that starts with "!"' };
    case 'NON_STRING_KEY':
      return { message: 'a key must be a text' };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return { message: 'this is not valid YAML: a second ":" in one line', hint: 'put the value in quotes, or indent the key below' };
    case 'BAD_INDENT':
      return { message: plain, hint: 'indent the keys of one mapping alike' };
    case 'BAD_SCALAR_START':
    case 'BAD_DQ_ESCAPE':
      return { message: plain, hint: "put it in single quotes, as in '...'" };
    default:
      return { message: plain };
  }
}

function decapitalize(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
