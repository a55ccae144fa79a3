// Renders deploy/monitoring with the generator of the ephemos command (as built); with --check it only compares, and asks whether docs/runbook.md has a
// section for each alert and for nothing else.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMain, reportProblems } from './lib/output.js';
import { filesUnder, root, shown } from './lib/workspace.js';

const folder = 'deploy/monitoring';
const runbook = 'docs/runbook.md';
const command = 'node scripts/render-monitoring.js';

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Alerts without a section of the runbook, and sections without an alert. */
export function runbookProblems(alerts, page) {
  const sections = [...page.matchAll(/^## (\S+)$/gm)].map(([, name]) => name);
  return [
    ...alerts.filter((name) => !sections.includes(name)).map((name) => `${runbook} has no section ## ${name}`),
    ...sections.filter((name) => !alerts.includes(name)).map((name) => `${runbook} has a section ## ${name}, and there is no such alert`),
  ];
}

/** The problems of the checkout `base`, and how many files were compared; without `check` the files are mended. */
export async function renderMonitoringFiles({ base = root, check }) {
  const built = (path) => import(pathToFileURL(join(root, 'packages/cli/dist/deploy/monitoring', path)).href);
  const { renderMonitoring, alertNames } = await built('render-monitoring.js');
  const wanted = new Map([...renderMonitoring()].map(([name, text]) => [join(base, folder, name), text]));
  const problems = runbookProblems(alertNames(), textOf(join(base, runbook)) ?? '');
  for (const [path, text] of wanted) {
    if (textOf(path) === text) continue;
    problems.push(`${shown(path, base)} is not what packages/cli/src/deploy/monitoring says: ${command}`);
    if (check) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const byHand = (name) => name.endsWith('.md');
  for (const path of filesUnder(join(base, folder), (name) => !byHand(name)))
    if (!wanted.has(path)) problems.push(`${shown(path, base)} is rendered by nothing`);
  return { problems, count: wanted.size };
}

if (isMain(import.meta.url)) {
  const check = process.argv.includes('--check');
  const { problems, count } = await renderMonitoringFiles({ check });
  if (check)
    reportProblems('monitoring', problems, `${count} files of ${folder} are up to date, and every alert has its section in ${runbook}`);
}
