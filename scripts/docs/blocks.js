// Turns a Markdown page into its fenced blocks and its links.
import { readFileSync } from 'node:fs';

/** The words after the language: 'no-run' becomes { 'no-run': true }, 'as=x' becomes { as: 'x' }. */
function parseOptions(words) {
  return Object.fromEntries(
    words.map((word) => (word.includes('=') ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] : [word, true])),
  );
}

/** { path, blocks: [{ line, language, options, code }], links: [{ line, target }] }; `line` is that of the opening fence. */
export function readBlocks(path) {
  const blocks = [];
  const links = [];
  let open;
  for (const [index, text] of readFileSync(path, 'utf8').split('\n').entries()) {
    const fence = /^(\s*)(`{3,}|~{3,})(.*)$/.exec(text);
    if (open !== undefined) {
      if (fence?.[2].startsWith(open.mark) && fence[3].trim() === '') {
        blocks.push({ line: open.line, language: open.language, options: open.options, code: `${open.lines.join('\n')}\n` });
        open = undefined;
      } else open.lines.push(text.startsWith(open.indent) ? text.slice(open.indent.length) : text.trimStart());
    } else if (fence !== null) {
      const [language = '', ...words] = fence[3].trim().split(/\s+/);
      open = { line: index + 1, indent: fence[1], mark: fence[2], language, options: parseOptions(words), lines: [] };
    } else {
      for (const [, target] of text.replace(/`[^`]*`/g, '').matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g))
        links.push({ line: index + 1, target });
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line} the fence is never closed`);
  return { path, blocks, links };
}
