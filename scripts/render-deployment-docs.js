// Renders the places of docs/*.md that show files of deploy/: below each mark (scripts/docs/excerpt.js says how it names a part) the file as it is now.
// With --check it only compares, and asks that docs/deployment.md shows no file that it does not include.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { excerptOf, languageOf } from './docs/excerpt.js';
import { isMain, reportProblems } from './lib/output.js';
import { root } from './lib/workspace.js';

/** The page on which every block of a file comes from its file. */
const GUIDE = 'deployment.md';
/** What a file of deploy/ would be shown in. Commands, and what they print, are written by hand and checked by check-docs. */
const FILES = /^(?:yaml|json|hcl|dockerfile|ini|toml)$/;
const PLACE = /(<!-- file: (\S+)((?: \w+=(?:"[^"]*"|'[^']*'))*) -->\n)(.*?)(<!-- \/file -->)/gs;

/** The words of a mark; a text with double quotes in it stands in single ones. */
const wordsOf = (text) =>
  Object.fromEntries([...text.matchAll(/ (\w+)=(?:"([^"]*)"|'([^']*)')/g)].map(([, name, double, single]) => [name, double ?? single]));

/** The text of a page with its places filled; `problems` are told by their line. */
export function renderPlaces(text, { base, page }) {
  const problems = [];
  const filled = text.replace(PLACE, (whole, open, path, words, _old, close, offset) => {
    const say = (problem) => {
      problems.push(`docs/${page}:${text.slice(0, offset).split('\n').length} ${path}: ${problem}`);
      return whole;
    };
    const file = join(base, path);
    if (!existsSync(file)) return say('there is no such file');
    try {
      const fence = '```';
      const link = `[\`${path}\`](${relative(join(base, 'docs'), file)})`;
      return `${open}\n${link}\n\n${fence}${languageOf(path)}\n${excerptOf(readFileSync(file, 'utf8'), wordsOf(words))}\n${fence}\n\n${close}`;
    } catch (error) {
      return say(error.message);
    }
  });
  return { filled, problems };
}

/** The lines of blocks that look like a file and are in no place. */
function* strayBlocks(text, page) {
  const outside = text.replace(PLACE, (whole) => '\n'.repeat(whole.split('\n').length - 1));
  let open = false;
  for (const [index, line] of outside.split('\n').entries()) {
    const language = /^\s*```(\w*)/.exec(line)?.[1];
    if (language === undefined) continue;
    open = !open;
    if (open && FILES.test(language))
      yield `docs/${page}:${index + 1} a ${language} block that no mark includes: <!-- file: PATH --> <!-- /file -->`;
  }
}

/** The problems of the pages of `base`; without `check` they are mended. */
export function renderDeploymentDocs({ base = root, check }) {
  const problems = [];
  let count = 0;
  for (const page of readdirSync(join(base, 'docs')).filter((name) => name.endsWith('.md'))) {
    const path = join(base, 'docs', page);
    const text = readFileSync(path, 'utf8');
    const opened = text.match(/<!-- file: /g)?.length ?? 0;
    const places = [...text.matchAll(PLACE)].length;
    count += places;
    if (opened !== places)
      problems.push(`docs/${page}: ${opened - places} of its marks '<!-- file: ... -->' are malformed or have no '<!-- /file -->'`);
    const { filled, problems: found } = renderPlaces(text, { base, page });
    problems.push(...found);
    if (page === GUIDE) problems.push(...strayBlocks(text, page));
    if (filled === text) continue;
    if (check) problems.push(`docs/${page} does not show its files as they are: node scripts/render-deployment-docs.js`);
    else writeFileSync(path, filled);
  }
  return { problems, count };
}

if (isMain(import.meta.url)) {
  const { problems, count } = renderDeploymentDocs({ check: process.argv.includes('--check') });
  reportProblems('deployment-docs', problems, `${count} excerpts of files are up to date`);
}
