// A file and the words of its mark in; the part of it that a page shows out, with the language of its fence.
//   <!-- file: deploy/spire/host/server.conf -->                                     all of it
//   <!-- file: deploy/spire/host/server.conf from="KeyManager" to="}" -->            the lines from the first that holds the one text to the next that is
//                                                                                    the other, as deep as the first
//   <!-- file: deploy/kubernetes/base/service.yaml document="Service/echo" -->       one document of a YAML file, by kind and name
//   ... at="spec.ports.0"                                                            what stands there in YAML or JSON, with the comments before it
//   ... at="spec.ports.name=https"                                                   the same, by what an entry has
import { basename, extname } from 'node:path';
import { isMap, isPair, isSeq, parseAllDocuments } from 'yaml';

const languages = {
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.json': 'json',
  '.conf': 'hcl',
  '.js': 'js no-run',
  '.service': 'ini',
  '.socket': 'ini',
  '.timer': 'ini',
};

export function languageOf(path) {
  return basename(path).startsWith('Dockerfile') ? 'dockerfile' : (languages[extname(path)] ?? 'text');
}

/** @throws {Error} when there is no such part */
export function excerptOf(text, { from, to, document, at }) {
  if (from !== undefined) return lineExcerpt(text, from, to);
  if (document !== undefined || at !== undefined) return nodeExcerpt(text, document, at);
  return text.trimEnd();
}

function lineExcerpt(text, from, to) {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => line.includes(from));
  if (first < 0) throw new Error(`no line holds ${JSON.stringify(from)}`);
  if (to === undefined) return dedent([lines[first]]);
  // As deep as the beginning, so that a bracket closes the block that it opens.
  const end = `${/^\s*/.exec(lines[first])[0]}${to}`;
  const last = lines.findIndex((line, index) => index > first && line === end);
  if (last < 0) throw new Error(`no line after it is ${JSON.stringify(to)}`);
  return dedent(lines.slice(first, last + 1));
}

function nodeExcerpt(text, document, at) {
  const documents = parseAllDocuments(text);
  const found = document === undefined ? documents[0] : documents.find((each) => nameOf(each) === document);
  if (found === undefined) throw new Error(`no document is ${document}; there are ${documents.map(nameOf).join(', ')}`);
  if (at === undefined) {
    // The range of a document begins behind its mark; comments before it belong to it.
    const [start, , end] = found.range;
    return dedent(
      text
        .slice(start, end)
        .replace(/^---[^\n]*\n/, '')
        .split('\n'),
    );
  }
  const { start, end } = rangeOf(found.contents, at.split('.'), at);
  const lineStart = text.lastIndexOf('\n', start) + 1;
  const before = commentLines(text.slice(0, lineStart));
  return dedent([...before, ...text.slice(lineStart, end).trimEnd().split('\n')]);
}

/** Where the pair or entry of a path begins and ends in the text. */
function rangeOf(contents, path, at) {
  let node = contents;
  let start = contents?.range?.[0];
  for (const step of path) {
    const item = itemOf(node, step);
    if (item === undefined) throw new Error(`there is nothing at ${at}: no ${step}`);
    start = isPair(item) ? item.key.range[0] : item.range[0];
    node = isPair(item) ? item.value : item;
  }
  return { start, end: node?.range?.[1] ?? start };
}

/** A key of a mapping; of a list the number of an entry, or `name=text` for the first that has it. */
function itemOf(node, step) {
  if (isMap(node)) return node.items.find((each) => isPair(each) && String(each.key) === step);
  if (!isSeq(node)) return undefined;
  const [, name, text] = /^(\w+)=(.*)$/.exec(step) ?? [];
  return name === undefined ? node.items[Number(step)] : node.items.find((each) => isMap(each) && String(each.get(name)) === text);
}

function nameOf(document) {
  const { kind, metadata } = document.toJS() ?? {};
  return `${kind}/${metadata?.name}`;
}

/** The comments that stand directly before a place. */
function commentLines(before) {
  const lines = before.split('\n').slice(0, -1);
  let first = lines.length;
  while (first > 0 && /^\s*#/.test(lines[first - 1])) first -= 1;
  return lines.slice(first);
}

function dedent(lines) {
  const whole = lines.join('\n').replace(/^\n+/, '').trimEnd().split('\n');
  const depth = Math.min(...whole.filter((line) => line.trim() !== '').map((line) => /^ */.exec(line)[0].length));
  return whole.map((line) => line.slice(depth)).join('\n');
}
