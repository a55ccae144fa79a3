// The text of a YAML or JSON file in; each of its documents out, or why there is none.
import { Composer, type CST, type Document, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, Parser } from 'yaml';
import { createYamlNode, MAX_ALIASES, type YamlNode } from './yaml-node.ts';

/** Mappings and lists stand in each other at most this often. */
export const MAX_DEPTH = 64;
/** A file has at most this many documents. */
export const MAX_DOCUMENTS = 1000;

/** Why a text is not YAML. */
export interface YamlProblem {
  readonly message: string;
  readonly line: number;
}

/** The documents of a file that are not empty. */
export type YamlFile = { readonly nodes: readonly YamlNode[] } | { readonly problem: YamlProblem };

/** Reads a file. Does not throw. */
export function readYaml(text: string): YamlFile {
  const lines = new LineCounter();
  const at = (offset: number): number => Math.max(1, lines.linePos(Math.max(0, offset)).line);
  const composer = new Composer({
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    schema: 'core',
    merge: true,
    logLevel: 'silent',
  });
  const nodes: YamlNode[] = [];
  try {
    for (const document of composer.compose(tokensOf(text, lines), false, text.length)) {
      const [error] = document.errors;
      if (error !== undefined) throw new Refused(describe(error.message), error.pos[0]);
      inspect(document);
      if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) continue;
      if (nodes.length === MAX_DOCUMENTS)
        throw new Refused(`there are more than ${MAX_DOCUMENTS} documents in this file`, document.range[0]);
      nodes.push(createYamlNode({ document, lines }, document.contents));
    }
    return { nodes };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { problem: { message: error.message, line: at(error.offset) } };
  }
}

class Refused extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

// The composer of the yaml package recurses, and a stack that overflows inside a regular expression ends the process (Node 20).
function* tokensOf(text: string, lines: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    // The document and the value that is being read stand there too.
    if (parser.stack.length > MAX_DEPTH + 2) throw new Refused(`nested more than ${MAX_DEPTH} deep`, parser.offset);
  }
  yield* parser.end();
}

// The search of the yaml package for keys that are there twice takes the square of their number.
function inspect(document: Document.Parsed): void {
  let aliases = 0;
  function visit(node: unknown): void {
    const offset = startOf(node);
    if (isMap(node)) {
      const seen = new Set<unknown>();
      for (const { key, value } of node.items) {
        const name: unknown = isScalar(key) ? (typeof key.value === 'symbol' ? '<<' : key.value) : undefined;
        if (!isScalar(key)) throw new Refused('a key has to be a text', offset);
        if (seen.has(name) && name !== '<<') throw new Refused(`the key ${JSON.stringify(name)} is there twice`, startOf(key));
        seen.add(name);
        visit(value);
      }
    } else if (isSeq(node)) for (const item of node.items) visit(item);
    else if (isAlias(node)) {
      aliases += 1;
      if (aliases > MAX_ALIASES) throw new Refused(`there are more than ${MAX_ALIASES} aliases`, offset);
      const target = node.resolve(document);
      if (target === undefined) throw new Refused('there is no anchor of this name before this alias', offset);
      const [start, end] = rangeOf(target);
      if (start <= offset && end >= rangeOf(node)[1]) throw new Refused('an alias stands in what it stands for', offset);
    }
  }
  visit(document.contents);
  try {
    if (aliases > 0) document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new Refused(`the aliases stand for more than ${MAX_ALIASES} copies`, document.range[0]);
  }
}

function startOf(node: unknown): number {
  return rangeOf(node)[0];
}

function rangeOf(node: unknown): readonly [number, number] {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return [0, 0];
  return [Number(node.range[0]), Number(node.range[1])];
}

// What follows the colon would be the text of the file, which may hold anything.
function describe(message: string): string {
  const plain = message.replace(/(?<=\w): .*$/s, '').replace(/\.$/, '');
  return `this is not valid YAML: ${plain.slice(0, 1).toLowerCase()}${plain.slice(1)}`;
}
