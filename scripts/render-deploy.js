// Renders deploy/spire/*/spire.yaml with the generator of the ephemos command (as built) into the files beside it; with --check it only compares.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMain, reportProblems } from './lib/output.js';
import { filesUnder, root, shown } from './lib/workspace.js';

/** What is rendered; everything else in the folders is written by hand. */
const rendered = /\.(conf|cfg|sql|hba)$/;

/** Every file that belongs into the folder of an input, and those that do not any more. */
async function wantedFiles(input) {
  const built = (path) => import(pathToFileURL(join(root, 'packages/cli/dist/deploy/spire', path)).href);
  const { readSpire } = await built('read-spire.js');
  const { renderSpire } = await built('render-spire.js');
  const folder = dirname(input);
  const wanted = new Map([...renderSpire(readSpire(input))].map(([name, text]) => [join(folder, name), text]));
  const stale = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => rendered.test(path) && !wanted.has(path));
  return { wanted, stale };
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The problems of the checkout `base`, and how many files were compared; without `check` they are mended. */
export async function renderDeploy({ base = root, check }) {
  const problems = [];
  let count = 0;
  for (const input of filesUnder(join(base, 'deploy/spire'), (name) => name === 'spire.yaml')) {
    const { wanted, stale, refused } = await wantedFiles(input).catch((error) => {
      if (error.problems === undefined) throw error;
      return { wanted: new Map(), stale: [], refused: error.problems };
    });
    for (const { line, key, message } of refused ?? []) problems.push(`${shown(input, base)}:${line} ${key}: ${message}`);
    count += wanted.size;
    for (const path of stale) {
      problems.push(`${shown(path, base)} is not rendered from ${shown(input, base)} any more: node scripts/render-deploy.js`);
      if (!check) rmSync(path);
    }
    for (const [path, text] of wanted) {
      if (textOf(path) === text) continue;
      problems.push(`${shown(path, base)} is not what ${shown(input, base)} says: node scripts/render-deploy.js`);
      if (!check) writeFileSync(path, text);
    }
  }
  if (count === 0) problems.push('deploy/spire holds no spire.yaml');
  return { problems, count };
}

if (isMain(import.meta.url)) {
  const check = process.argv.includes('--check');
  const { problems, count } = await renderDeploy({ check });
  if (check || count === 0) reportProblems('deploy', problems, `${count} files of deploy/spire are up to date`);
}
