// Renders deploy/spire/*/spire.yaml and deploy/*/ephemos-deploy.json with the generators of the ephemos command (as built) into the files beside
// them; with --check it only compares.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMain, reportProblems } from './lib/output.js';
import { filesUnder, root, shown } from './lib/workspace.js';

/** What is rendered in a folder of deploy/spire; everything else there is written by hand. */
const rendered = /\.(conf|cfg|sql|hba)$/;

const built = (path) => import(pathToFileURL(join(root, 'packages/cli/dist/deploy', path)).href);

/** Every file that belongs into the folder of an input, and those that do not any more. */
async function spireFiles(input) {
  const { readSpire } = await built('spire/read-spire.js');
  const { renderSpire } = await built('spire/render-spire.js');
  const folder = dirname(input);
  const wanted = new Map([...renderSpire(readSpire(input))].map(([name, text]) => [join(folder, name), text]));
  const stale = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => rendered.test(path) && !wanted.has(path));
  return { wanted, stale };
}

/** The same of a project: what it was made from stands in its record, with the files that it had then. */
async function projectFiles(input) {
  const { parseRecord, recordOf, recordText } = await built('project/record.js');
  const { findTarget } = await built('project/targets.js');
  const { target, sample, answers, files } = parseRecord(textOf(input), input);
  const made = (await findTarget(target)).make(answers);
  const folder = dirname(input);
  const wanted = new Map([...made.files].map(([name, text]) => [join(folder, name), text]));
  wanted.set(input, recordText({ ...recordOf(target, made), sample }));
  const stale = [...files.keys()].map((name) => join(folder, name)).filter((path) => !wanted.has(path) && textOf(path) !== undefined);
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
  const spires = filesUnder(join(base, 'deploy/spire'), (name) => name === 'spire.yaml').map((input) => ({ input, filesOf: spireFiles }));
  const projects = filesUnder(join(base, 'deploy'), (name) => name === 'ephemos-deploy.json');
  for (const { input, filesOf } of [...spires, ...projects.map((each) => ({ input: each, filesOf: projectFiles }))]) {
    const { wanted, stale, refused } = await filesOf(input).catch((error) => {
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
      if (check) continue;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
  if (spires.length === 0) problems.push('deploy/spire holds no spire.yaml');
  return { problems, count };
}

if (isMain(import.meta.url)) {
  const check = process.argv.includes('--check');
  const { problems, count } = await renderDeploy({ check });
  if (check || count === 0) reportProblems('deploy', problems, `${count} files of deploy are up to date`);
}
